// How long does the reload of a large bundle keep an application waiting? See README.md beside this file.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type BundleSource, BundleWatcher, HttpBundleSource } from "@armspan/router";
import { EventLoopGaps, type Gaps } from "./event-loop-gaps.ts";
import { median } from "./median.ts";

const [flags = 1_000, reloads = 15] = process.argv.slice(2).map(Number);
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "armspan-bench-"));
const program = join(import.meta.dirname, "publisher.ts");

async function measure(
	name: string,
	open: (url: string, directory: string) => BundleSource,
	/** Folder that is written after the swap. */
	cache?: string,
): Promise<void> {
	const directory = join(folder, name.replaceAll(/[^a-z]/g, ""));
	const args = [...process.execArgv, program, String(flags), directory];
	const publisher = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
	const lines = createInterface({ input: publisher.stdout })[Symbol.asyncIterator]();
	const url = String((await lines.next()).value);
	const source = open(url, directory);
	const revisionIs = async (revision: number) => {
		while (source.current?.table.revision !== revision) await sleep(1);
	};
	const isKept = async (revision: number) => {
		while (cache !== undefined && (await revisionIn(cache)) !== revision) await sleep(50);
	};
	const gaps = new EventLoopGaps();
	await revisionIs(1);
	await isKept(1);
	await sleep(1_000);
	const quiet: Gaps[] = [];
	const loud: Gaps[] = [];
	const publishedMs: number[] = [];
	for (let revision = 2; revision < 2 + reloads; revision++) {
		gaps.take();
		await sleep(400);
		quiet.push(gaps.take());
		const startedAt = performance.now();
		publisher.stdin.write(`${revision}\n`);
		await Promise.all([lines.next(), revisionIs(revision)]);
		publishedMs.push(performance.now() - startedAt);
		// What it does after the swap counts too, such as filling the cache.
		await sleep(600);
		await isKept(revision);
		loud.push(gaps.take());
	}
	gaps.stop();
	source.close();
	publisher.stdin.end();
	const of = (all: readonly Gaps[], key: keyof Gaps) => all.map((one) => one[key]);
	const show = (label: string, values: readonly number[]) =>
		console.log(
			`  ${label.padEnd(58)} median ${median(values).toFixed(1)} ms, most ${Math.max(...values).toFixed(1)} ms`,
		);
	console.log(`${name}, ${flags} flags, ${reloads} reloads`);
	show("longest turn of the event loop, processor time", of(loud, "cpuMs"));
	show("the same without a reload", of(quiet, "cpuMs"));
	show("longest turn of the event loop, by the clock", of(loud, "wallMs"));
	show("the same without a reload", of(quiet, "wallMs"));
	show("longest pause of the garbage collector, by the clock", of(loud, "collectorMs"));
	show("compiled and published there until in use here", publishedMs);
}

/** Read by another process, so that parsing it does not count here. */
async function revisionIn(directory: string): Promise<number | undefined> {
	const file = join(directory, "routing.json");
	const { stdout } = await run("grep", ["-o", '"revision": *[0-9]*', file]).catch(() => ({ stdout: "" }));
	return Number(/\d+/.exec(stdout)?.[0]);
}

const quietly = { onChange: () => undefined, onError: console.error };
try {
	await measure("directory", (_url, directory) => new BundleWatcher(directory, quietly));
	await measure("http", (url) => new HttpBundleSource(url, quietly));
	const cacheDirectory = join(folder, "cache");
	await measure(
		"http, with a cache",
		(url) => new HttpBundleSource(url, { ...quietly, cacheDirectory }),
		cacheDirectory,
	);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
