import { expect, it } from "vitest";
import { exampleFolder, runExample } from "../../../packages/register/src/fixtures/example.ts";

it("has sent everything when it is frozen, although it is never thawed", async () => {
	const run = await runExample(exampleFolder(import.meta.url), "gpt-4o-mini", (provider) => ({
		OPENAI_BASE_URL: `${provider}/v1`,
		OPENAI_API_KEY: "none",
		ARMSPAN_REFERENCE_KEY: "0123456789abcdef0123456789abcdef",
	}));
	// Killed, not ended.
	expect(run.code).toBeNull();
	expect(run.stdout).toMatch(/.{20,}\n204 400\n$/);
	expect(run.stderr).toContain("feedback refused: its signature is wrong");
	expect(run.spans.map(({ attributes }) => attributes["gen_ai.prompt.name"])).toEqual(["support-reply"]);
	expect(run.events).toEqual(["gen_ai.evaluation.result"]);
});
