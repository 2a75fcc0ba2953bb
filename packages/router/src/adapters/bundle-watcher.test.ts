import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compileBundle } from "../compile-bundle.ts";
import { RouterError } from "../errors.ts";
import { sampleExperiment, sampleInput } from "../testing/sample-input.ts";
import { BundleWatcher, type BundleWatcherOptions } from "./bundle-watcher.ts";
import { promptFile } from "./read-bundle.ts";
import { writeBundle } from "./write-bundle.ts";

const bundle = (revision: number, experiment: object = {}) =>
	compileBundle(sampleInput({ revision, experiments: [sampleExperiment(experiment)] }));

let root: string;
let directory: string;
let watcher: BundleWatcher | undefined;
let changes: number[];
let errors: string[];

beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), "armspan-watch-"));
	directory = join(root, "bundle");
	changes = [];
	errors = [];
});
afterEach(() => {
	watcher?.close();
	watcher = undefined;
	rmSync(root, { recursive: true, force: true });
});

function start(options: Partial<BundleWatcherOptions> = {}): BundleWatcher {
	watcher = new BundleWatcher(directory, {
		onChange: ({ table }) => changes.push(table.revision),
		onError: (error) => errors.push(error instanceof RouterError ? error.code : String(error)),
		pollMs: 10,
		...options,
	});
	return watcher;
}

const until = (condition: () => unknown) =>
	vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 5 });
const revisionIs = (revision: number) => until(() => watcher?.current?.table.revision === revision);
const errorIs = (code: string) => until(() => errors.at(-1) === code);

describe("BundleWatcher", () => {
	it("has the bundle right after construction, without telling of a change", async () => {
		await writeBundle(directory, bundle(1));
		expect(start().current?.table.revision).toBe(1);
		await writeBundle(directory, bundle(2));
		await revisionIs(2);
		expect(changes).toEqual([2]);
		expect(errors).toEqual([]);
	});

	it("waits for a directory that does not exist yet, and takes no offence", async () => {
		expect(start().current).toBeUndefined();
		expect(watcher?.problem).toBeUndefined();
		await writeBundle(directory, bundle(1));
		await revisionIs(1);
		expect(changes).toEqual([1]);
		// A writer is between prompts and routing file for a moment, which is no fault.
		expect(errors).toEqual([]);
	});

	it("sees every rename-over by the watch alone", async () => {
		await writeBundle(directory, bundle(1));
		start({ pollMs: 2 ** 31 - 1 });
		for (let revision = 2; revision <= 6; revision++) {
			await writeBundle(directory, bundle(revision));
			await revisionIs(revision);
		}
	});

	it("keeps the last good bundle through torn, empty and invalid files, reporting each once", async () => {
		await writeBundle(directory, bundle(1));
		start();
		const file = join(directory, "routing.json");
		for (const [content, code] of [
			["", "BUNDLE_TORN"],
			["{}", "SCHEMA_INVALID"],
			[bundle(2).json.slice(0, 500), "BUNDLE_TORN"],
			[bundle(2).json.replace("flagd-fractional-v2", "flagd-fractional-v9"), "HASH_VERSION_UNKNOWN"],
		] as const) {
			writeFileSync(file, content);
			await errorIs(code);
			expect(watcher?.current?.table.revision).toBe(1);
		}
		expect(watcher?.problem).toContain("flagd-fractional-v9");
		const reports = errors.length;
		await writeBundle(directory, bundle(3));
		await revisionIs(3);
		expect(errors).toHaveLength(reports);
		expect(watcher?.problem).toBeUndefined();
	});

	it("refuses to go back, and reports it", async () => {
		await writeBundle(directory, bundle(5));
		start();
		await writeBundle(directory, bundle(4), { force: true });
		await errorIs("REVISION_NOT_HIGHER");
		expect(watcher?.current?.table.revision).toBe(5);
		await writeBundle(directory, bundle(5, { iteration: 2 }), { force: true });
		await until(() => errors.length === 2);
		expect(watcher?.current?.file.flags["support-reply"]?.metadata.experiments).toBe("polite#1:running");
		await writeBundle(directory, bundle(6));
		await revisionIs(6);
		expect(errors).toEqual(["REVISION_NOT_HIGHER", "REVISION_NOT_HIGHER"]);
	});

	it("survives the routing file and the directory being deleted and made again", async () => {
		await writeBundle(directory, bundle(1));
		start();
		rmSync(join(directory, "routing.json"));
		await errorIs("BUNDLE_MISSING");
		expect(watcher?.current?.table.revision).toBe(1);
		await writeBundle(directory, bundle(2));
		await revisionIs(2);
		rmSync(directory, { recursive: true });
		await errorIs("BUNDLE_MISSING");
		await writeBundle(directory, bundle(3));
		await revisionIs(3);
		// The watch is on the new directory, not on the one that is gone.
		await writeBundle(directory, bundle(4));
		await revisionIs(4);
	});

	it("follows the symlink swap of a Kubernetes volume", async () => {
		mkdirSync(directory);
		const publish = async (revision: number) => {
			await writeBundle(join(directory, `..${revision}`), bundle(revision));
			symlinkSync(`..${revision}`, join(directory, "..data_tmp"));
			renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
		};
		await publish(1);
		symlinkSync("..data/routing.json", join(directory, "routing.json"));
		symlinkSync("..data/prompts", join(directory, "prompts"));
		start();
		for (const revision of [2, 3, 4]) {
			await publish(revision);
			await revisionIs(revision);
		}
		expect(errors).toEqual([]);
	});

	it("waits for a prompt that arrives after the routing file", async () => {
		await writeBundle(directory, compileBundle(sampleInput({ experiments: [] })));
		start();
		const next = bundle(2);
		writeFileSync(join(root, "routing.json"), next.json);
		renameSync(join(root, "routing.json"), join(directory, "routing.json"));
		await errorIs("PROMPT_MISSING");
		expect(watcher?.current?.table.revision).toBe(1);
		for (const [digest, bytes] of next.prompts) writeFileSync(promptFile(directory, digest), bytes);
		await revisionIs(2);
	});

	it("reads a file that was replaced by an older copy with a newer revision", async () => {
		await writeBundle(join(root, "old"), bundle(2));
		await writeBundle(directory, bundle(1));
		start();
		cpSync(join(root, "old"), directory, { recursive: true, preserveTimestamps: true, force: true });
		await revisionIs(2);
	});

	it("hands errors of the application's callback to onError", async () => {
		await writeBundle(directory, bundle(1));
		start({
			onChange: () => {
				throw new Error("mine");
			},
		});
		await writeBundle(directory, bundle(2));
		await errorIs("Error: mine");
		expect(watcher?.current?.table.revision).toBe(2);
	});

	it("reports a broken bundle at construction right after it", async () => {
		mkdirSync(directory);
		writeFileSync(join(directory, "routing.json"), "{}");
		expect(start().current).toBeUndefined();
		expect(errors).toEqual([]);
		await errorIs("SCHEMA_INVALID");
		await writeBundle(directory, bundle(1));
		await revisionIs(1);
	});

	it("is silent once closed", async () => {
		await writeBundle(directory, bundle(1));
		const closed = start();
		const open = new BundleWatcher(directory, { onChange: () => {}, onError: () => {}, pollMs: 10 });
		closed.close();
		await writeBundle(directory, bundle(2));
		await until(() => open.current?.table.revision === 2);
		open.close();
		expect(closed.current?.table.revision).toBe(1);
		expect(changes).toEqual([]);
	});

	it("does not keep a process alive", async () => {
		await writeBundle(directory, bundle(1));
		const source = `import { BundleWatcher } from ${JSON.stringify(new URL("../index.ts", import.meta.url).href)};
			new BundleWatcher(${JSON.stringify(directory)}, { onChange() {}, onError() {} });`;
		const { status, stderr } = spawnSync(
			process.execPath,
			["--conditions=armspan-source", "--input-type=module", "-e", source],
			{
				timeout: 25_000,
			},
		);
		expect(String(stderr)).toBe("");
		expect(status).toBe(0);
	});
});
