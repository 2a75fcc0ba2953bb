import { describe, expect, it } from "vitest";
import { costUsd } from "./cost-usd.ts";

const usage = { inputTokens: 1_000_000, outputTokens: 100_000 };

describe("costUsd", () => {
	it("prices a known model of a known provider", () => {
		expect(costUsd(usage, "gpt-4o-mini", "openai")).toBeCloseTo(0.15 + 0.06, 10);
		expect(costUsd(usage, "gpt-4o-mini-2024-07-18", undefined)).toBeCloseTo(0.21, 10);
		expect(costUsd(usage, "gpt-4o-mini", "azure.ai.openai")).toBeGreaterThan(0);
	});

	it("prices cached tokens lower", () => {
		const cached = costUsd({ ...usage, cacheReadTokens: 500_000 }, "gpt-4o-mini", "openai");
		expect(cached).toBeLessThan(0.21);
	});

	it.each([
		["an unknown model", usage, "house-model", "openai"],
		["an unknown provider", usage, "gpt-4o-mini", "house"],
		["more cached tokens than tokens", { ...usage, cacheReadTokens: 2_000_000 }, "gpt-4o-mini", "openai"],
		["negative usage", { ...usage, inputTokens: -1 }, "gpt-4o-mini", "openai"],
		["usage that is no number", { ...usage, inputTokens: Number.NaN }, "gpt-4o-mini", "openai"],
		["no model at all", usage, "", "openai"],
	])("gives nothing for %s", (_, tokens, model, provider) => {
		expect(costUsd(tokens, model, provider)).toBeUndefined();
	});
});
