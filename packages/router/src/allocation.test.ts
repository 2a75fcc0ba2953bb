import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const program = fileURLToPath(new URL("./testing/allocated-bytes.ts", import.meta.url));
const flags = ["--expose-gc", "--min-semi-space-size=128", "--max-semi-space-size=128"];

it("allocates nothing for a call", async () => {
	const { stdout } = await run(process.execPath, [...flags, "--conditions=armspan-source", program]);
	const bytes = JSON.parse(stdout) as { calls: number; assign: number; control: number };
	// The measurement sees what is there: an object of one field has at least two words.
	expect(bytes.control / bytes.calls).toBeGreaterThanOrEqual(8);
	// Less than one object in a hundred calls; what remains is the measurement's own.
	expect(bytes.assign / bytes.calls).toBeLessThan(0.1);
});
