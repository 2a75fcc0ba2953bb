import { expect, it } from "vitest";
import { exampleFolder, runExample } from "../../../packages/register/src/fixtures/example.ts";

it("answers, and its call is tagged, measured and rated", async () => {
	const run = await runExample(exampleFolder(import.meta.url), "gemini-2.5-flash", (provider) => ({
		GOOGLE_GEMINI_BASE_URL: provider,
		GEMINI_API_KEY: "none",
	}));
	expect(run.stderr).toBe("");
	expect(run.code).toBe(0);
	expect(run.stdout.trim().length).toBeGreaterThan(20);
	expect(run.spans.map(({ attributes }) => attributes)).toEqual([
		expect.objectContaining({
			"gen_ai.operation.name": "generate_content",
			"gen_ai.provider.name": "gcp.gemini",
			"gen_ai.request.model": "gemini-2.5-flash",
			"gen_ai.prompt.name": "support-reply",
			"gen_ai.prompt.version": "1.0.0",
			"gen_ai.usage.input_tokens": expect.any(Number),
			"gen_ai.usage.output_tokens": expect.any(Number),
			"gen_ai.response.finish_reasons": ["STOP"],
			"armspan.cost.usd": expect.any(Number),
		}),
	]);
	expect(run.events).toContain("gen_ai.evaluation.result");
});
