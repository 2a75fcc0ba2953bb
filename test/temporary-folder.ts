import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives every test run a temporary folder of its own and removes it afterwards, with what killed programs left in it. */
export default function setup(): () => void {
	const folder = mkdtempSync(join(tmpdir(), "armspan-test-"));
	process.env.TMPDIR = folder;
	return () => rmSync(folder, { recursive: true, force: true });
}
