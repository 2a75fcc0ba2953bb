import { afterEach, expect, it, vi } from "vitest";
import { createStderrDiagLogger } from "./stderr-diag-logger.ts";

const written: string[] = [];
const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
	written.push(String(text));
	return true;
});
afterEach(() => {
	written.length = 0;
});

it("says the same thing once a minute, in one short line on stderr", () => {
	let nowMs = 0;
	const logger = createStderrDiagLogger(() => nowMs);
	for (let attempt = 0; attempt < 5; attempt++) logger.error(`connect failed after ${attempt} s`, "x".repeat(2000));
	logger.warn("something\nelse");
	expect(written).toHaveLength(2);
	expect(written[0]?.length).toBeLessThan(600);
	expect(written[1]).toBe("[armspan] warn: something else\n");
	nowMs = 60_000;
	logger.error("connect failed after 9 s");
	expect(written).toHaveLength(3);
	expect(write).toHaveBeenCalledTimes(3);
});
