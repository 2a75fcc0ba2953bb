import { expect, it } from "vitest";
import { evaluationAttributes } from "./evaluation.ts";

it("carries the assignment, and not why a prompt that was fetched for nothing but feedback could not be rendered", () => {
	const assignment = { "gen_ai.prompt.name": "p", "armspan.unit.id": "u1", "armspan.fallback.reason": "render-failed" };
	const attributes = evaluationAttributes("feedback", { name: "feedback", score: 1 }, assignment);
	expect(attributes).toMatchObject({ "gen_ai.prompt.name": "p", "armspan.unit.id": "u1" });
	expect(attributes).not.toHaveProperty("armspan.fallback.reason");
});
