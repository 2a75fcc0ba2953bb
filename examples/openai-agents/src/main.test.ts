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
	expect(run.spans.map(({ attributes }) => attributes)).toEqual([
		expect.objectContaining({
			"gen_ai.operation.name": "chat",
			"gen_ai.provider.name": "openai",
			"gen_ai.request.model": "gpt-4o-mini",
			"gen_ai.prompt.name": "support-reply",
			"gen_ai.prompt.version": "1.0.0",
			"gen_ai.usage.input_tokens": expect.any(Number),
			"gen_ai.usage.output_tokens": expect.any(Number),
			"gen_ai.response.finish_reasons": ["completed"],
			"armspan.cost.usd": expect.any(Number),
		}),
	]);
	expect(run.events).toContain("gen_ai.evaluation.result");
});
