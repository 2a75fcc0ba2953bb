import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileBundle, writeBundle } from "@armspan/router";
import { Environment } from "@armspan/schema";
import fastify from "fastify";
import { expect, test, vi } from "vitest";
import { PublishedBundle } from "./published-bundle.ts";

const bytes = Buffer.from("---\nmodel: m-small\n---\nReply.\n");
const digest = createHash("sha256").update(bytes).digest("hex");

test("what another environment has left in the folder is neither served nor in the way", async () => {
	const directory = mkdtempSync(join(tmpdir(), "armspan-published-"));
	const write = (environmentName: string, revision: number) =>
		writeBundle(
			directory,
			compileBundle({
				environmentName,
				environment: Environment.parse({ prompts: { reply: "1.0.0" } }),
				experiments: [],
				prompts: new Map([["reply@1.0.0", { bytes, digest, model: "m-small", config: {} }]]),
				revision,
				sourceCommit: "0".repeat(40),
			}),
		);
	await write("production", 7);
	const published = new PublishedBundle(directory, "staging", fastify().log);
	try {
		expect(published.current).toBeUndefined();
		await write("staging", 8);
		await vi.waitFor(() => expect(published.current?.table.revision).toBe(8), { timeout: 20_000 });
	} finally {
		published.close();
		rmSync(directory, { recursive: true });
	}
});
