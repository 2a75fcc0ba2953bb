import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compileBundle } from "../compile-bundle.ts";
import { RouterError } from "../errors.ts";
import { sampleExperiment, sampleInput } from "../testing/sample-input.ts";
import { promptFile, readBundle } from "./read-bundle.ts";
import { type WriteStep, writeBundle } from "./write-bundle.ts";

const run = promisify(execFile);
const WRITE_UNTIL = fileURLToPath(new URL("../testing/write-until.ts", import.meta.url));
const WRITE_MANY = fileURLToPath(new URL("../testing/write-many.ts", import.meta.url));
const bundle = (revision: number, experiment: object = {}) =>
	compileBundle(sampleInput({ revision, experiments: [sampleExperiment(experiment)] }));

let directory: string;
beforeEach(() => {
	directory = mkdtempSync(join(tmpdir(), "armspan-bundle-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function refusal(promise: Promise<unknown> | (() => unknown)): Promise<RouterError> {
	try {
		await (typeof promise === "function" ? promise() : promise);
	} catch (error) {
		if (error instanceof RouterError) return error;
		throw error;
	}
	throw new Error("expected a RouterError");
}

const leftovers = () =>
	[...readdirSync(directory), ...readdirSync(join(directory, "prompts"))].filter(
		(name) => name.endsWith(".tmp") || name.endsWith(".lock"),
	);

describe("writeBundle and readBundle", () => {
	it("write and read the same bundle, in a directory that need not exist", async () => {
		const target = join(directory, "a", "b");
		const written = bundle(3);
		await writeBundle(target, written);
		const read = readBundle(target);
		expect(read.file).toEqual(written.file);
		expect(read.table.revision).toBe(3);
		expect([...read.prompts].map(([digest, bytes]) => [digest, String(bytes)]).sort()).toEqual(
			[...written.prompts].map(([digest, bytes]) => [digest, String(bytes)]).sort(),
		);
		expect(readFileSync(join(target, "routing.json"), "utf8")).toBe(written.json);
	});

	it("refuse a revision that is not higher, unless forced", async () => {
		await writeBundle(directory, bundle(5));
		expect((await refusal(writeBundle(directory, bundle(5)))).code).toBe("REVISION_NOT_HIGHER");
		expect((await refusal(writeBundle(directory, bundle(4)))).message).toContain("revision 4 is not above 5");
		expect(leftovers()).toEqual([]);
		await writeBundle(directory, bundle(4), { force: true });
		expect(readBundle(directory).table.revision).toBe(4);
	});

	it("repair a routing file and prompts that somebody broke", async () => {
		await writeBundle(directory, bundle(1));
		writeFileSync(join(directory, "routing.json"), "{");
		const [digest = ""] = bundle(1).prompts.keys();
		writeFileSync(promptFile(directory, digest), "torn");
		await writeBundle(directory, bundle(2));
		expect(readBundle(directory).table.revision).toBe(2);
	});

	it("say what is wrong with a bundle", async () => {
		expect((await refusal(() => readBundle(directory))).code).toBe("BUNDLE_MISSING");
		await writeBundle(directory, bundle(1));
		const [first = "", second = ""] = readBundle(directory).table.digests;
		rmSync(promptFile(directory, first));
		writeFileSync(promptFile(directory, second), "other");
		const { problems } = await refusal(() => readBundle(directory));
		expect(problems.map(({ code }) => code).sort()).toEqual(["PROMPT_CORRUPT", "PROMPT_MISSING"]);
		for (const [content, code] of [
			["", "BUNDLE_TORN"],
			['{"flags":', "BUNDLE_TORN"],
			["\u00ff\ufffd", "BUNDLE_TORN"],
			["{}", "SCHEMA_INVALID"],
		] as const) {
			writeFileSync(join(directory, "routing.json"), content);
			expect((await refusal(() => readBundle(directory))).code).toBe(code);
		}
	});
});

describe("a writer that is killed", () => {
	const steps: [WriteStep, number][] = [
		["locked", 1],
		["prompt-temporary", 1],
		["prompts-written", 1],
		["routing-temporary", 1],
		["routing-renamed", 2],
	];
	it.each(steps)("at %s leaves revision %i, and the next one cleans up", async (step, expected) => {
		// Only one prompt of what revision 2 names is there.
		await writeBundle(directory, compileBundle(sampleInput({ experiments: [] })));
		const killed = spawnSync(process.execPath, ["--conditions=armspan-source", WRITE_UNTIL, directory, "2", step]);
		expect(String(killed.stderr)).toBe("");
		expect(killed.signal).toBe("SIGKILL");
		expect(readBundle(directory).table.revision).toBe(expected);
		expect(leftovers()).not.toEqual([]);
		await writeBundle(directory, bundle(3));
		expect(readBundle(directory).table.revision).toBe(3);
		expect(leftovers()).toEqual([]);
	});

	it("on another machine is waited for, and given up after a minute", async () => {
		await writeBundle(directory, bundle(1));
		const lock = join(directory, "routing.lock");
		writeFileSync(lock, JSON.stringify({ pid: 1, host: `not-${hostname()}` }));
		const longAgo = Date.now() / 1000 - 120;
		utimesSync(lock, longAgo, longAgo);
		await writeBundle(directory, bundle(2));
		expect(leftovers()).toEqual([]);
	});

	it("leaves other people's files alone", async () => {
		mkdirSync(join(directory, "prompts"));
		writeFileSync(join(directory, "notes.tmp"), "mine");
		await writeBundle(directory, bundle(1));
		expect(readFileSync(join(directory, "notes.tmp"), "utf8")).toBe("mine");
	});
});

describe("several writers at once", () => {
	it("in one process leave the highest revision", async () => {
		const revisions = [3, 1, 5, 2, 4];
		const results = await Promise.allSettled(revisions.map((revision) => writeBundle(directory, bundle(revision))));
		const refused = results.filter((result) => result.status === "rejected").map((result) => result.reason.code);
		expect(new Set([...refused, "REVISION_NOT_HIGHER"])).toEqual(new Set(["REVISION_NOT_HIGHER"]));
		expect(readBundle(directory).table.revision).toBe(5);
		expect(leftovers()).toEqual([]);
	});

	it("in two processes never go back, and every read is whole", async () => {
		await writeBundle(directory, bundle(1));
		const start = (from: number) =>
			run(process.execPath, ["--conditions=armspan-source", WRITE_MANY, directory, String(from), "61", "2"]);
		let isDone = false;
		const writers = Promise.all([start(2), start(3)]).finally(() => {
			isDone = true;
		});
		const seen: number[] = [];
		while (!isDone) {
			seen.push(readBundle(directory).table.revision);
			await new Promise((resolve) => setImmediate(resolve));
		}
		await writers;
		expect(seen).toEqual([...seen].sort((a, b) => a - b));
		expect(readBundle(directory).table.revision).toBe(61);
		expect(leftovers()).toEqual([]);
	});
});
