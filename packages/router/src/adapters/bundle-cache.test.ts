import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compileBundle } from "../compile-bundle.ts";
import { RouterError } from "../errors.ts";
import { sampleInput } from "../testing/sample-input.ts";
import { BundleCache } from "./bundle-cache.ts";
import { BundleWatcher, type BundleWatcherOptions } from "./bundle-watcher.ts";
import { readBundle } from "./read-bundle.ts";
import { revisionOnDisk, type WriteBundleOptions, writeBundle } from "./write-bundle.ts";

const run = promisify(execFile);
const WATCH_ONCE = fileURLToPath(new URL("../testing/watch-once.ts", import.meta.url));
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const bundle = (revision: number, environmentName = "production") =>
	compileBundle(sampleInput({ revision, environmentName }));

let root: string;
let directory: string;
let cacheDirectory: string;
let errors: string[];
let cacheErrors: string[];
const open = new Set<BundleWatcher>();

beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), "armspan-cache-"));
	directory = join(root, "bundle");
	cacheDirectory = join(root, "cache");
	errors = [];
	cacheErrors = [];
});
afterEach(() => {
	for (const watcher of open) watcher.close();
	open.clear();
	rmSync(root, { recursive: true, force: true });
});

const codeOf = (error: Error) => (error instanceof RouterError ? error.code : String(error));
const write = (revision: number, options: WriteBundleOptions = {}) => writeBundle(directory, bundle(revision), options);

/** A process of the application, as far as the bundle is concerned. */
function start(options: Partial<BundleWatcherOptions> = {}): BundleWatcher {
	// What is still written when a test has ended must not reach the next one.
	const [ownErrors, ownCacheErrors] = [errors, cacheErrors];
	const watcher = new BundleWatcher(directory, {
		onChange: () => {},
		onError: (error) => ownErrors.push(codeOf(error)),
		onCacheError: (error) => ownCacheErrors.push(codeOf(error)),
		pollMs: 10,
		cacheDirectory,
		...options,
	});
	open.add(watcher);
	return watcher;
}

const until = (condition: () => unknown) =>
	vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 5 });
const cached = (revision: number) => until(() => revisionOnDisk(cacheDirectory) === revision);

describe("the cache", () => {
	it("stands in for a source that is gone after a restart, and says so", async () => {
		await write(3);
		const before = start();
		expect(before).toMatchObject({ isFromCache: false, problem: undefined });
		await cached(3);
		before.close();
		rmSync(directory, { recursive: true });

		const after = start();
		expect(after.current?.table.revision).toBe(3);
		expect(after.current?.prompts.size).toBe(3);
		expect(after).toMatchObject({ isFromCache: true, problemCode: "BUNDLE_MISSING" });
		expect(after.ageMs).toBeGreaterThanOrEqual(0);
		await until(() => errors.at(-1) === "BUNDLE_MISSING");

		await write(4);
		await until(() => after.current?.table.revision === 4);
		expect(after).toMatchObject({ isFromCache: false, problem: undefined });
		await cached(4);
	});

	it("keeps a restarted reader from going back, unless a person said so", async () => {
		await write(7);
		start().close();
		await cached(7);

		rmSync(directory, { recursive: true });
		await write(5);
		const after = start();
		expect(after.current?.table.revision).toBe(7);
		expect(after).toMatchObject({ isFromCache: true, problemCode: "REVISION_NOT_HIGHER" });

		await writeBundle(directory, bundle(5), {
			force: true,
			rollback: { fromRevision: 7, reason: "worse", by: "ann" },
		});
		await until(() => after.current?.table.revision === 5);
		expect(after).toMatchObject({ isFromCache: false, problem: undefined });
		await cached(5);
		expect(readBundle(cacheDirectory).bytes.rollback).toBeDefined();
	});

	it("of another environment is kept where none is named, and replaced where one is", async () => {
		await write(7);
		start().close();
		await cached(7);
		rmSync(directory, { recursive: true });
		await writeBundle(directory, bundle(90, "staging"));
		const unnamed = start();
		expect(unnamed.current?.table).toMatchObject({ flagSetId: "armspan/production", revision: 7 });
		expect(unnamed).toMatchObject({ isFromCache: true, problemCode: "ENVIRONMENT_DIFFERS" });
		unnamed.close();

		rmSync(directory, { recursive: true });
		await writeBundle(directory, bundle(2, "staging"));
		errors = [];
		const named = start({ flagSetId: "armspan/staging" });
		expect(named.current?.table).toMatchObject({ flagSetId: "armspan/staging", revision: 2 });
		await cached(2);
		expect([errors, cacheErrors]).toEqual([[], ["ENVIRONMENT_DIFFERS"]]);
	});

	it("and its reader stay with their environment, whatever revision another has", async () => {
		await write(3);
		const watcher = start();
		await cached(3);
		await writeBundle(directory, bundle(40, "staging"));
		await until(() => watcher.problemCode === "ENVIRONMENT_DIFFERS");
		expect(watcher.problem).toContain("it is of armspan/staging and this reader of armspan/production");
		expect(watcher.current?.table.revision).toBe(3);
		expect(revisionOnDisk(cacheDirectory)).toBe(3);
		await writeBundle(directory, bundle(4), { force: true });
		await until(() => watcher.current?.table.revision === 4);
		expect(watcher.problem).toBeUndefined();
		expect(start({ flagSetId: "armspan/staging", cacheDirectory: undefined }).current).toBeUndefined();
	});

	it("must be signed where a public key is set, and is replaced when it is not", async () => {
		await write(9);
		start().close();
		await cached(9);
		rmSync(directory, { recursive: true });
		const after = start({ publicKeys: [publicKey] });
		expect(after.current).toBeUndefined();
		await until(() => cacheErrors.at(-1) === "SIGNATURE_MISSING");
		await write(8, { privateKey });
		await until(() => after.current?.table.revision === 8);
		await cached(8);
		after.close();
		rmSync(directory, { recursive: true });
		expect(start({ publicKeys: [publicKey] }).current?.table.revision).toBe(8);
	});

	it.each([
		["is a file", () => writeFileSync(cacheDirectory, "")],
		[
			"has a directory for a file",
			() => mkdirSync(join(cacheDirectory, "routing.json", "in-the-way"), { recursive: true }),
		],
	])("that %s is reported once, and nothing else suffers", async (_, prepare) => {
		prepare();
		await write(1);
		const watcher = start();
		expect(watcher.current?.table.revision).toBe(1);
		await until(() => cacheErrors.length > 0);
		await write(2);
		await until(() => watcher.current?.table.revision === 2);
		expect(watcher.problem).toBeUndefined();
		expect(watcher.cacheProblem).toBeDefined();
		expect(errors).toEqual([]);
		expect(new Set(cacheErrors).size).toBe(cacheErrors.length);
	});

	it("that had no room is tried again while the bundle is in use", async () => {
		await write(1);
		writeFileSync(cacheDirectory, "");
		const failures: Error[] = [];
		const cache = new BundleCache(cacheDirectory, {}, (error) => failures.push(error), 20);
		const inUse = readBundle(directory);
		cache.store(inUse);
		await until(() => cache.problem !== undefined);
		rmSync(cacheDirectory);
		await until(() => {
			cache.storeAgain(inUse);
			return cache.problem === undefined;
		});
		expect(readBundle(cacheDirectory).table.revision).toBe(1);
		expect(failures).toHaveLength(1);
	});

	it("is repaired after garbage", async () => {
		mkdirSync(cacheDirectory);
		writeFileSync(join(cacheDirectory, "routing.json"), '{"metadata":{"revision":99}}');
		await write(1);
		expect(start().current?.table.revision).toBe(1);
		await cached(1);
		expect(readBundle(cacheDirectory).table.revision).toBe(1);
		expect(cacheErrors).toEqual(["SCHEMA_INVALID"]);
	});

	it("is shared by processes: the newest stays, and it is always whole", async () => {
		await write(1);
		const newest = 12;
		const readers = [1, 2, 3].map(() =>
			run(process.execPath, ["--conditions=armspan-source", WATCH_ONCE, directory, cacheDirectory, String(newest)]),
		);
		for (let revision = 2; revision <= newest; revision++) {
			await write(revision);
			if (revisionOnDisk(cacheDirectory) !== undefined) readBundle(cacheDirectory);
		}
		for (const { stdout, stderr } of await Promise.all(readers)) {
			expect(stderr).toBe("");
			expect(stdout).toBe(`${newest}\n`);
		}
		expect(readBundle(cacheDirectory).table.revision).toBe(newest);
	});
});
