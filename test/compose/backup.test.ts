import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { openStore, type Store } from "@armspan/store";
import { afterEach, expect, test } from "vitest";
import { serverUnavailable } from "../conformance/clickhouse-server.ts";
import {
	type Delivered,
	deliver,
	observeEvidence,
	randomDeliveries,
	randomNumbers,
	repeatedAndShuffled,
} from "../conformance/deliveries.ts";
import { PASSWORDS, startDeployedClickHouse } from "./deployed-clickhouse.ts";

const PAGE = readFileSync(new URL("../../docs/operations/backup.md", import.meta.url), "utf8");
const NOW = new Date();

const undo: (() => unknown)[] = [];
afterEach(async () => {
	for (const step of undo.splice(0).reverse()) await step();
});

function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), "armspan-backup-"));
	undo.push(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

const unavailable = serverUnavailable();
if (unavailable !== undefined) process.stderr.write(`\nSKIPPED: BACKUP and RESTORE: ${unavailable}\n`);

test.skipIf(unavailable !== undefined)(
	"the statements of backup.md bring a server's evidence back to the bit, what came later included",
	{ timeout: 240_000 },
	async () => {
		const folder = temporaryFolder();
		const backups = join(folder, "backups");
		const first = await startDeployedClickHouse(join(folder, "first"), backups);
		undo.push(() => first.stop());
		const store = await openAsService(first.url);
		await store.migrate();
		const deliveries = randomDeliveries(randomNumbers(11), { units: 30, now: NOW });
		const [earlier, later] = [deliveries.slice(0, 100), deliveries.slice(100)];
		await send(store, earlier);
		await first.run(statement("full"));
		await send(store, later);
		await first.run(statement("incremental"));
		const before = await observeEvidence(store, NOW);
		expect(before.counts.calls).toBeGreaterThan(100);
		first.stop();

		// Another machine: the server is up, the service is not yet.
		const second = await startDeployedClickHouse(join(folder, "second"), backups);
		undo.push(() => second.stop());
		await second.run(statement("restore"));
		const restored = await openAsService(second.url);
		await restored.migrate();
		expect(await observeEvidence(restored, NOW)).toEqual(before);
		// Applications send again what they were not sure of.
		await send(restored, repeatedAndShuffled(randomNumbers(12), deliveries));
		expect(await observeEvidence(restored, NOW)).toEqual(before);
		// And what is new goes through the views.
		await send(restored, randomDeliveries(randomNumbers(14), { units: 20, now: NOW }));
		expect((await restored.counts()).calls).toBeGreaterThan(before.counts.calls);
	},
);

test("a copy of an embedded folder is a backup when the service has let go of it", { timeout: 60_000 }, async () => {
	const folder = temporaryFolder();
	const open = async (path: string) => {
		const store = await openStore({ kind: "embedded", path: join(folder, path, "clickhouse") });
		undo.push(() => store.close());
		await store.migrate();
		return store;
	};
	const store = await open("data");
	await send(store, randomDeliveries(randomNumbers(13), { units: 30, now: NOW }));
	const before = await observeEvidence(store, NOW);
	expect(before.counts.calls).toBeGreaterThan(50);
	await store.close();
	undo.pop();
	cpSync(join(folder, "data"), join(folder, "copy"), { recursive: true });
	expect(await observeEvidence(await open("copy"), NOW)).toEqual(before);
});

test("a bundle holds all that git knows: versions, experiments, their history", { timeout: 60_000 }, async () => {
	const folder = temporaryFolder();
	const repository = join(folder, "my-prompts");
	await initRepository(repository);
	const git = (...args: string[]) => execFileSync("git", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
	const commands = [...PAGE.matchAll(/^git (.+)$/gm)].map(([, args = ""]) => args.split(" "));
	expect(commands).toHaveLength(3);
	for (const [index, command] of commands.entries()) {
		git(...command.map((word) => word.replace("/srv/", `${folder}/`)));
		if (index === 0) expect(existsSync(join(folder, "my-prompts.bundle"))).toBe(true);
	}
	for (const what of [["for-each-ref"], ["log", "--format=%H"]]) {
		const of = (path: string) => git("-C", join(folder, path), ...what).replaceAll(/.*refs\/remotes\/.*\n/g, "");
		expect(of("restored")).toBe(of("my-prompts"));
	}
});

async function openAsService(url: string): Promise<Store> {
	const store = await openStore({ kind: "server", url, username: "armspan", password: PASSWORDS.armspan });
	undo.push(() => store.close());
	return store;
}

function send(store: Store, deliveries: readonly Delivered[]): Promise<void> {
	return deliver([store], deliveries, randomNumbers(1), 200);
}

/** A statement of the page, by the comment above it. */
function statement(name: "full" | "incremental" | "restore"): string {
	const found = new RegExp(`^-- ${name}.*\\n([^;]+);`, "m").exec(PAGE)?.[1];
	if (found === undefined) throw new Error(`backup.md has no statement "-- ${name}"`);
	return found;
}
