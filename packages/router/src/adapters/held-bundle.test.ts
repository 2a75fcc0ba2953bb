import { afterEach, expect, it, vi } from "vitest";
import { HeldBundle } from "./held-bundle.ts";

afterEach(() => vi.useRealTimers());

it("doubts what is in use once checking something newer takes long, until that has ended", () => {
	vi.useFakeTimers({ toFake: ["performance"] });
	const held = new HeldBundle({ onChange: () => {}, onError: () => {} });
	held.beginCheck();
	vi.advanceTimersByTime(1_000);
	expect(held).toMatchObject({ problem: undefined, problemCode: undefined });
	vi.advanceTimersByTime(1);
	expect(held).toMatchObject({ problem: expect.stringContaining("1000 ms"), problemCode: "CHECKING" });
	held.refuse(new Error("no good"));
	expect(held).toMatchObject({ problem: "no good", problemCode: "INTERNAL" });
	held.endCheck();
	held.confirm();
	expect(held).toMatchObject({ problem: undefined, problemCode: undefined });
});
