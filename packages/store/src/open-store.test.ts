import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assertFolderUnlocked } from "./folder-lock.ts";
import { MIGRATIONS } from "./migrate.ts";
import { openStore } from "./open-store.ts";

let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "armspan-open-"));
});

afterEach(async () => {
	for (const child of children.splice(0)) {
		if (child.exitCode === null && child.signalCode === null) {
			child.kill("SIGKILL");
			await once(child, "exit");
		}
	}
	rmSync(folder, { recursive: true, force: true });
});

/** A process that inserts spans until it is killed and prints each batch's number once it is acknowledged. */
function startWriter(path: string): { child: ChildProcess; lines: AsyncIterator<string> } {
	const child = spawn(
		process.execPath,
		[
			"--conditions=armspan-source",
			fileURLToPath(new URL("../fixtures/insert-until-killed.ts", import.meta.url)),
			path,
		],
		{ stdio: ["ignore", "pipe", "inherit"] },
	);
	children.push(child);
	return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() };
}

test("migrations run once, and a folder that is opened again has its evidence", async () => {
	const first = await openStore({ kind: "embedded", path: join(folder, "data") });
	expect(await first.migrate()).toEqual([...MIGRATIONS]);
	expect(await first.migrate()).toEqual([]);
	await first.insertTraces([]);
	await first.close();
	await first.close();
	// what an INSERT was reading when its process was killed
	const leftOver = join(folder, "data", "armspan-insert-1-1");
	writeFileSync(leftOver, "rows");
	const again = await openStore({ kind: "embedded", path: join(folder, "data") });
	expect(existsSync(leftOver)).toBe(false);
	expect(await again.migrate()).toEqual([]);
	expect(await again.counts()).toEqual({ traces: 0, logs: 0, calls: 0, exposures: 0, evaluations: 0, quarantined: 0 });
	await again.close();
});

test("a closed store says that it is closed", async () => {
	const store = await openStore({ kind: "embedded", path: folder });
	await store.close();
	await expect(store.ping()).rejects.toMatchObject({ code: "STORE_CLOSED" });
	await expect(store.migrate()).rejects.toMatchObject({ code: "STORE_CLOSED" });
});

test("a process has one folder open at a time; the second is refused by name", async () => {
	const store = await openStore({ kind: "embedded", path: join(folder, "a") });
	await expect(openStore({ kind: "embedded", path: join(folder, "b") })).rejects.toMatchObject({
		code: "STORE_PATH_CONFLICT",
		details: { path: join(folder, "b"), openPath: join(folder, "a") },
	});
	const shared = await openStore({ kind: "embedded", path: join(folder, "a") });
	await shared.close();
	await store.ping();
	await store.close();
	const other = await openStore({ kind: "embedded", path: join(folder, "b") });
	await other.close();
});

test("a path that is a file, and a server that is not there, are unavailable", async () => {
	const file = join(folder, "file");
	writeFileSync(file, "");
	await expect(openStore({ kind: "embedded", path: file })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
	await expect(openStore({ kind: "server", url: "http://127.0.0.1:1" })).rejects.toMatchObject({
		code: "STORE_UNAVAILABLE",
	});
	await expect(openStore({ kind: "server", url: "not a url" })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
});

test("a folder in use by another process is refused with its pid; killed with SIGKILL, all it acknowledged is there, once", async () => {
	const { child, lines } = startWriter(folder);
	await lines.next();

	await expect(openStore({ kind: "embedded", path: folder })).rejects.toMatchObject({
		code: "STORE_LOCKED",
		message: expect.stringContaining(`in use by process ${child.pid}; stop it`),
	});

	expect(() => assertFolderUnlocked(folder)).toThrow(/in use by process/);

	let acknowledged = 0;
	while (acknowledged < 20) {
		const { value } = await lines.next();
		acknowledged = Number(value);
	}
	child.kill("SIGKILL");
	await once(child, "exit");
	// what it printed between our last look and its death was acknowledged too
	for (let line = await lines.next(); !line.done; line = await lines.next()) {
		acknowledged = Number(line.value);
	}

	// the pid in chDB's status file is stale now, and is not believed
	assertFolderUnlocked(folder);
	const store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	const spanIds = new Set((await store.callIds({})).map((call) => call.spanId));
	const counts = await store.counts();
	await store.close();
	for (let batch = 0; batch <= acknowledged; batch++) {
		for (let row = 0; row < 50; row++) {
			expect(spanIds.has((batch * 50 + row + 1).toString(16).padStart(16, "0"))).toBe(true);
		}
	}
	expect(counts.calls).toBe(spanIds.size);
	// at most the batch under way at the kill is there without having been acknowledged
	expect(counts.traces).toBeLessThanOrEqual((acknowledged + 2) * 50);
});
