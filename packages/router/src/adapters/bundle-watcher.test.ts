import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
	chmodSync,
	closeSync,
	cpSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compileBundle } from "../compile-bundle.ts";
import { RouterError } from "../errors.ts";
import { sampleExperiment, sampleInput } from "../testing/sample-input.ts";
import { BundleWatcher, type BundleWatcherOptions } from "./bundle-watcher.ts";
import { promptFile, readBundle } from "./read-bundle.ts";
import { sha256 } from "./sha256.ts";
import { writeBundle } from "./write-bundle.ts";

const bundle = (revision: number, experiment: object = {}) =>
	compileBundle(sampleInput({ revision, experiments: [sampleExperiment(experiment)] }));

/** A program of the system, not of a package. */
const MAKE_FIFO = "mkfifo";

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
			[bundle(2).json.replaceAll("flagd-fractional-v2", "flagd-fractional-v9"), "HASH_VERSION_UNKNOWN"],
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

	it("says path and reason once of a file that is no bundle", async () => {
		const file = join(directory, "routing.json");
		mkdirSync(directory);
		writeFileSync(file, "");
		expect(start().problem).toBe(`${file}: 0 bytes that are no JSON; write it by rename, never in place`);
	});

	it.each([
		["nesting", "[".repeat(6_000_000), "SCHEMA_INVALID"],
		[
			"flags",
			`{"flags":{${Array.from({ length: 380_000 }, (_, index) => `"f${index}":1`).join(",")}}}`,
			"BUNDLE_TOO_LARGE",
		],
		["bytes", " ".repeat(8 * 1024 * 1024 + 1), "BUNDLE_TOO_LARGE"],
	])("refuses too much of it before it is parsed: %s", async (_, text, code) => {
		await writeBundle(directory, bundle(1));
		start();
		const parse = vi.spyOn(JSON, "parse");
		try {
			writeFileSync(join(directory, "routing.json"), text);
			await errorIs(code);
			expect(parse).not.toHaveBeenCalledWith(text);
		} finally {
			parse.mockRestore();
		}
		expect(watcher).toMatchObject({ problemCode: code, current: { table: { revision: 1 } } });
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

describe("what is no routing file", () => {
	const file = () => join(directory, "routing.json");
	const oddities: [string, string, () => void][] = [
		["a directory", "BUNDLE_UNREADABLE", () => mkdirSync(file())],
		["a FIFO", "BUNDLE_UNREADABLE", () => execFileSync(MAKE_FIFO, [file()])],
		["a device", "BUNDLE_UNREADABLE", () => symlinkSync("/dev/zero", file())],
		["a loop of links", "BUNDLE_UNREADABLE", () => symlinkSync("routing.json", file())],
		["a link to nowhere", "BUNDLE_MISSING", () => symlinkSync("gone.json", file())],
		[
			"33 MiB",
			"BUNDLE_TOO_LARGE",
			() => {
				writeFileSync(file(), "");
				truncateSync(file(), 33 * 1024 * 1024);
			},
		],
	];

	it.each(oddities)("%s is refused without waiting, and what follows is taken", async (_, code, make) => {
		await writeBundle(directory, bundle(1));
		start();
		rmSync(file());
		make();
		await errorIs(code);
		expect(watcher?.current?.table.revision).toBe(1);
		expect(watcher?.problemCode).toBe(code);
		rmSync(file(), { recursive: true });
		await writeBundle(directory, bundle(2));
		await revisionIs(2);
		expect(watcher?.problem).toBeUndefined();
	});

	it.each(oddities)("%s at the start is refused without waiting", async (_, code, make) => {
		mkdirSync(directory);
		make();
		expect(start().current).toBeUndefined();
		// Never there is no fault: the application may be up first.
		expect(watcher?.problemCode).toBe(code === "BUNDLE_MISSING" ? undefined : code);
	});

	it("a FIFO or a directory for a prompt, a signature or a record is refused, too", async () => {
		const { prompts } = bundle(1);
		const [digest = ""] = prompts.keys();
		await writeBundle(directory, bundle(1));
		rmSync(promptFile(directory, digest));
		execFileSync(MAKE_FIFO, [promptFile(directory, digest)]);
		start();
		expect(watcher?.problemCode).toBe("PROMPT_MISSING");
		await writeBundle(directory, bundle(1), { force: true }).catch(() => {});
		watcher?.close();
		for (const name of ["routing.json.sig", "rollback.json"]) {
			rmSync(directory, { recursive: true });
			await writeBundle(directory, bundle(1));
			mkdirSync(join(directory, name));
			expect(start().problemCode).toBe("BUNDLE_UNREADABLE");
			watcher?.close();
		}
	});

	it("a file without permission is refused, and taken when it has some", async () => {
		await writeBundle(directory, bundle(1));
		chmodSync(tmpdir(), 0o711);
		chmodSync(root, 0o755);
		chmodSync(file(), 0o000);
		const source = `import { BundleWatcher } from ${JSON.stringify(new URL("../index.ts", import.meta.url).href)};
			const { problemCode } = new BundleWatcher(${JSON.stringify(directory)}, { onChange() {}, onError() {} });
			console.log(problemCode);`;
		// The superuser may read everything.
		const asNobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
		const look = () =>
			spawnSync(process.execPath, ["--conditions=armspan-source", "--input-type=module", "-e", source], {
				timeout: 25_000,
				encoding: "utf8",
				...asNobody,
			});
		expect(look()).toMatchObject({ stderr: "", stdout: "BUNDLE_UNREADABLE\n" });
		chmodSync(file(), 0o644);
		expect(look()).toMatchObject({ stderr: "", stdout: "undefined\n" });
	});

	it("a file that is written in place is never taken torn", async () => {
		await writeBundle(directory, bundle(1));
		start();
		for (let revision = 2; revision <= 4; revision++) {
			const { json } = bundle(revision);
			const descriptor = openSync(file(), "w");
			for (let at = 0; at < json.length; at += 400) {
				writeSync(descriptor, json.slice(at, at + 400));
				await new Promise((resolve) => setImmediate(resolve));
			}
			closeSync(descriptor);
			await revisionIs(revision);
		}
		expect(changes).toEqual([2, 3, 4]);
		expect(new Set(errors)).not.toContain("SCHEMA_INVALID");
	});
});

describe("signatures", () => {
	const { publicKey, privateKey } = generateKeyPairSync("ed25519");
	const other = generateKeyPairSync("ed25519");
	const trusting = { publicKeys: [publicKey] };

	it("are checked: unsigned, tampered and foreign bundles are refused", async () => {
		await writeBundle(directory, bundle(1));
		expect(start(trusting).problemCode).toBe("SIGNATURE_MISSING");
		await writeBundle(directory, bundle(2), { privateKey });
		await revisionIs(2);
		await writeBundle(directory, bundle(3), { privateKey: other.privateKey });
		await errorIs("SIGNATURE_INVALID");
		await writeBundle(directory, bundle(4), { privateKey });
		await revisionIs(4);
		const file = join(directory, "routing.json");
		writeFileSync(file, readFileSync(file, "utf8").replaceAll("polite", "impolite"));
		await until(() => watcher?.problemCode === "SIGNATURE_INVALID");
		expect(watcher?.current?.table.revision).toBe(4);
		expect(changes).toEqual([2, 4]);
	});

	it("of the bundle before stay in the file, so that no reader ever finds one that does not fit", async () => {
		await writeBundle(directory, bundle(1), { privateKey });
		const before = join(root, "before.json");
		cpSync(join(directory, "routing.json"), before);
		await writeBundle(directory, bundle(2), { privateKey });
		// As a reader sees it between the two renames, or after a writer was killed there.
		renameSync(before, join(directory, "routing.json"));
		expect(start(trusting).current?.table.revision).toBe(1);
	});

	it("never fail while a signed bundle is written again and again", async () => {
		await writeBundle(directory, bundle(1), { privateKey });
		start({ ...trusting, pollMs: 1 });
		for (let revision = 2; revision <= 25; revision++) await writeBundle(directory, bundle(revision), { privateKey });
		await revisionIs(25);
		expect(errors).toEqual([]);
	});

	it("may come from a new key while readers know both", async () => {
		await writeBundle(directory, bundle(1), { privateKey });
		start({ publicKeys: [publicKey, other.publicKey] });
		await writeBundle(directory, bundle(2), { privateKey: other.privateKey });
		await revisionIs(2);
		expect(errors).toEqual([]);
	});
});

describe("a rollback record", () => {
	const { publicKey, privateKey } = generateKeyPairSync("ed25519");
	const rollback = { fromRevision: 7, reason: "worse answers", by: "ann" };

	it("lets a reader go back, and keeps what was gone back from away", async () => {
		await writeBundle(directory, bundle(7));
		start();
		cpSync(directory, join(root, "seven"), { recursive: true });
		await writeBundle(directory, bundle(5), { rollback });
		await revisionIs(5);
		expect(errors).toEqual([]);
		cpSync(join(root, "seven", "routing.json"), join(directory, "routing.json"));
		await errorIs("REVISION_ROLLED_BACK");
		expect(watcher?.current?.table.revision).toBe(5);
		await expect(writeBundle(directory, bundle(6), { force: false })).rejects.toMatchObject({
			code: "REVISION_ROLLED_BACK",
		});
		await writeBundle(directory, bundle(8));
		await revisionIs(8);
	});

	it("is asked for when somebody restores an older file", async () => {
		await writeBundle(directory, bundle(5));
		cpSync(directory, join(root, "five"), { recursive: true, preserveTimestamps: true });
		await writeBundle(directory, bundle(7));
		start();
		cpSync(join(root, "five"), directory, { recursive: true, preserveTimestamps: true });
		await errorIs("REVISION_NOT_HIGHER");
		expect(watcher?.current?.table.revision).toBe(7);
		const routingDigest = readBundle(directory).routingDigest;
		writeFileSync(join(directory, "rollback.json"), JSON.stringify({ ...rollback, toRevision: 5, routingDigest }));
		await revisionIs(5);
	});

	it("must be signed where bundles are", async () => {
		await writeBundle(directory, bundle(7), { privateKey });
		start({ publicKeys: [publicKey] });
		await writeBundle(directory, bundle(5), { privateKey, rollback });
		await revisionIs(5);
		await writeBundle(directory, bundle(8), { privateKey });
		await revisionIs(8);
		await writeBundle(directory, bundle(6), { privateKey, rollback: { ...rollback, fromRevision: 8 } });
		await revisionIs(6);
		await writeBundle(directory, bundle(9), { privateKey });
		await revisionIs(9);
		await writeBundle(directory, bundle(5), { privateKey, force: true });
		writeFileSync(
			join(directory, "rollback.json"),
			JSON.stringify({
				...rollback,
				fromRevision: 9,
				toRevision: 5,
				routingDigest: sha256(Buffer.from(bundle(5).json)),
			}),
		);
		await until(() => watcher?.problemCode === "ROLLBACK_INVALID");
		expect(watcher?.current?.table.revision).toBe(9);
	});

	it("that is garbage keeps no newer revision away, as that may be a halt", async () => {
		await writeBundle(directory, bundle(7));
		start();
		writeFileSync(join(directory, "rollback.json"), "{");
		await writeBundle(directory, bundle(8));
		await revisionIs(8);
	});
});
