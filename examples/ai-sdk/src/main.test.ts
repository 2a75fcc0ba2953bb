import { expect, it } from "vitest";
import { exampleFolder, runExample } from "../../../packages/register/src/fixtures/example.ts";

it("answers, and its call is tagged, measured and rated", async () => {
	const run = await runExample(exampleFolder(import.meta.url), "gpt-4o-mini", (provider) => ({
		OPENAI_BASE_URL: `${provider}/v1`,
		OPENAI_API_KEY: "none",
	}));
	expect(run.stderr).toBe("");
	expect(run.code).toBe(0);
	expect(run.stdout.trim().length).toBeGreaterThan(20);
	const spans = run.spans.map(({ attributes }) => attributes);
	// An agent, its step and the call; all are tagged, and the store counts the last one alone.
	expect(spans.map((attributes) => attributes["gen_ai.operation.name"])).toEqual([
		"chat",
		"agent_step",
		"invoke_agent",
	]);
	for (const attributes of spans) {
		expect(attributes).toMatchObject({ "gen_ai.prompt.name": "support-reply", "gen_ai.prompt.version": "1.0.0" });
	}
	expect(spans.filter((attributes) => "armspan.cost.usd" in attributes)).toEqual([
		expect.objectContaining({
			"gen_ai.operation.name": "chat",
			"gen_ai.provider.name": "openai",
			"gen_ai.request.model": "gpt-4o-mini",
			"gen_ai.usage.input_tokens": expect.any(Number),
			"gen_ai.usage.output_tokens": expect.any(Number),
			"gen_ai.response.finish_reasons": ["stop"],
		}),
	]);
	expect(JSON.stringify(spans)).not.toContain("parcel");
	expect(run.events).toContain("gen_ai.evaluation.result");
});
