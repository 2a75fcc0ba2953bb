import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compileBundle } from "../compile-bundle.ts";
import { RouterError } from "../errors.ts";
import { BundleServer } from "../testing/bundle-server.ts";
import { sampleExperiment, sampleInput } from "../testing/sample-input.ts";
import { HttpBundleSource, type HttpBundleSourceOptions } from "./http-bundle-source.ts";
import { signRouting } from "./routing-signature.ts";
import { sha256 } from "./sha256.ts";
import { revisionOnDisk } from "./write-bundle.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const bundle = (revision: number) =>
	compileBundle(sampleInput({ revision, experiments: [sampleExperiment({ iteration: revision })] }));

let root: string;
let server: BundleServer;
let source: HttpBundleSource | undefined;
let changes: number[];
let errors: string[];

beforeEach(async () => {
	root = mkdtempSync(join(tmpdir(), "armspan-http-"));
	server = await new BundleServer().start();
	changes = [];
	errors = [];
});
afterEach(async () => {
	source?.close();
	source = undefined;
	await server.stop();
	rmSync(root, { recursive: true, force: true });
});

/** Polls only when told to, so that what a test sees came by an event; no jitter unless asked for. */
function start(options: Partial<HttpBundleSourceOptions> = {}): HttpBundleSource {
	const [ownChanges, ownErrors] = [changes, errors];
	source = new HttpBundleSource(server.url, {
		onChange: ({ table }) => ownChanges.push(table.revision),
		onError: (error) => ownErrors.push(error instanceof RouterError ? error.code : String(error)),
		pollMs: 1_000_000,
		random: () => 0,
		...options,
	});
	return source;
}

const until = (condition: () => unknown) =>
	vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 5 });
const revisionIs = (revision: number) => until(() => source?.current?.table.revision === revision);
const problemIs = (code: string | undefined) => until(() => source?.problemCode === code);

describe("HttpBundleSource", () => {
	it("fetches the bundle, and hears of the next ones", async () => {
		server.publish(bundle(1));
		expect(start({ token: "t" }).current).toBeUndefined();
		await revisionIs(1);
		await until(() => server.streams.size === 1);
		server.publish(bundle(2));
		await revisionIs(2);
		expect(changes).toEqual([1, 2]);
		expect(errors).toEqual([]);
		expect(source).toMatchObject({ problem: undefined, isFromCache: false });
		expect([...server.authorizations]).toEqual(["Bearer t"]);
	});

	it("polls, with a condition, when there are no events", async () => {
		server.overrides.set("events", (_, response) => response.writeHead(404).end());
		server.publish(bundle(1));
		start({ pollMs: 20 });
		await revisionIs(1);
		const prompts = () => server.requests.filter((path) => path.startsWith("prompts/")).length;
		const before = prompts();
		await until(() => server.requests.filter((path) => path === "routing.json").length > 5);
		expect(prompts()).toBe(before);
		server.publish(bundle(2), { tell: false });
		await revisionIs(2);
		expect(source?.problem).toBeUndefined();
	});

	it("asks only for prompts that it does not have", async () => {
		server.publish(bundle(1));
		start();
		await revisionIs(1);
		const prompts = () => server.requests.filter((path) => path.startsWith("prompts/"));
		expect(prompts()).toHaveLength(3);
		const first = source?.current;
		await until(() => server.streams.size === 1);
		server.publish(bundle(2));
		await revisionIs(2);
		expect(prompts()).toHaveLength(3);
		for (const [digest, bytes] of source?.current?.prompts ?? []) expect(bytes).toBe(first?.prompts.get(digest));
	});

	it("reconnects and catches up when the server was away", async () => {
		server.publish(bundle(1));
		start();
		await revisionIs(1);
		await until(() => server.streams.size === 1);
		await server.stop();
		server.publish(bundle(2));
		await server.start();
		await revisionIs(2);
		await problemIs(undefined);
	});

	it("says that the server is away, and keeps the bundle", async () => {
		server.publish(bundle(1));
		start({ pollMs: 30 });
		await revisionIs(1);
		await server.stop();
		await problemIs("SOURCE_UNREACHABLE");
		expect(source?.current?.table.revision).toBe(1);
		const age = source?.ageMs ?? 0;
		await until(() => (source?.ageMs ?? 0) > age);
		await server.start();
		await problemIs(undefined);
	});

	it("is not stopped by a prompt that is missing, late or wrong", async () => {
		const next = bundle(1);
		const [digest = ""] = next.prompts.keys();
		server.publish(next);
		const path = `prompts/${digest}.prompt`;
		const right = server.files.get(path) ?? "";
		server.files.delete(path);
		start({ pollMs: 20 });
		await problemIs("PROMPT_MISSING");
		server.files.set(path, "another text");
		await problemIs("PROMPT_CORRUPT");
		expect(source?.current).toBeUndefined();
		server.files.set(path, right);
		await revisionIs(1);
	});

	it("refuses to go back without a record, and goes with one", async () => {
		server.publish(bundle(7));
		start({ pollMs: 20 });
		await revisionIs(7);
		server.publish(bundle(5));
		await problemIs("REVISION_NOT_HIGHER");
		const routingDigest = sha256(Buffer.from(bundle(5).json));
		const record = { fromRevision: 7, toRevision: 5, routingDigest, reason: "worse", by: "ann" };
		server.files.set("rollback.json", JSON.stringify(record));
		await revisionIs(5);
		expect(source?.problem).toBeUndefined();
	});

	it("takes nothing unsigned when it has a public key", async () => {
		server.publish(bundle(1));
		start({ publicKeys: [publicKey], pollMs: 20 });
		await problemIs("SIGNATURE_MISSING");
		server.files.set("routing.json.sig", signRouting(Buffer.from(bundle(2).json), privateKey));
		await problemIs("SIGNATURE_INVALID");
		server.files.set("routing.json.sig", signRouting(Buffer.from(bundle(1).json), privateKey));
		await revisionIs(1);
	});

	it("begins with what was kept, confirms it with one request, and never goes back behind it", async () => {
		const cacheDirectory = join(root, "cache");
		// With a stream that opens it asks once more, since news may have come before it listened; when is not ours to say.
		server.overrides.set("events", (_, response) => response.writeHead(404).end());
		server.publish(bundle(4));
		start({ cacheDirectory });
		await revisionIs(4);
		await until(() => revisionOnDisk(cacheDirectory) === 4);
		source?.close();

		server.requests.length = 0;
		start({ cacheDirectory });
		expect(source).toMatchObject({ isFromCache: true, problem: undefined });
		expect(source?.current?.table.revision).toBe(4);
		await until(() => source?.isFromCache === false);
		expect(server.requests.filter((path) => path !== "events")).toEqual(["routing.json"]);
		source?.close();

		server.publish(bundle(3));
		start({ cacheDirectory });
		await problemIs("REVISION_NOT_HIGHER");
		expect(source?.current?.table.revision).toBe(4);
		expect(source?.isFromCache).toBe(true);
		source?.close();

		await server.stop();
		start({ cacheDirectory });
		await problemIs("SOURCE_UNREACHABLE");
		expect(source?.current?.table.revision).toBe(4);
	});
});

describe("a server that misbehaves", () => {
	it.each([
		["redirects", "SOURCE_REFUSED", 302, { location: "http://127.0.0.1:1/routing.json" }],
		["redirects to where it is itself", "SOURCE_REFUSED", 307, { location: "/routing/v1/routing.json" }],
		["denies", "SOURCE_REFUSED", 401, {}],
		["forbids", "SOURCE_REFUSED", 403, {}],
		["has nothing", "BUNDLE_MISSING", 404, {}],
		["is overloaded", "SOURCE_UNREACHABLE", 429, {}],
		["fails", "SOURCE_UNREACHABLE", 500, {}],
		["knows no change of what was never fetched", "SOURCE_REFUSED", 304, {}],
		["compresses without being asked", "SOURCE_REFUSED", 200, { "content-encoding": "gzip" }],
		["announces 2 GB", "BUNDLE_TOO_LARGE", 200, { "content-length": "2000000000" }],
		["says nothing", "BUNDLE_TORN", 200, {}],
	])("%s: refused", async (_, code, status, headers) => {
		server.override = (_request, response) => response.writeHead(status, headers).end();
		start({ pollMs: 20 });
		await problemIs(code);
		server.override = undefined;
		server.publish(bundle(1));
		await revisionIs(1);
	});

	it("never gives the token to where it redirects", async () => {
		const elsewhere = await new BundleServer().start();
		elsewhere.publish(bundle(9));
		server.override = (request, response) =>
			response.writeHead(308, { location: `${elsewhere.url}${request.url}` }).end();
		start({ token: "secret", pollMs: 20 });
		await problemIs("SOURCE_REFUSED");
		expect(source?.problem).toContain("redirects are not followed");
		expect(source?.problem).not.toContain("secret");
		await elsewhere.stop();
		expect(elsewhere.requests).toEqual([]);
	});

	it("accepts and never answers: the request ends, the bundle stays, and what comes later is taken", async () => {
		server.publish(bundle(1));
		start({ pollMs: 20, timeoutMs: 60 });
		await revisionIs(1);
		server.override = () => {};
		await problemIs("SOURCE_UNREACHABLE");
		expect(source?.problem).toContain("no whole answer within 60 ms");
		expect(source?.current?.table.revision).toBe(1);
		server.override = undefined;
		server.publish(bundle(2));
		await revisionIs(2);
	});

	it("accepts a request for events and never answers: it is made again", async () => {
		server.publish(bundle(1));
		server.overrides.set("events", () => {});
		start({ timeoutMs: 100 });
		await revisionIs(1);
		await until(() => server.requests.filter((path) => path === "events").length > 1);
		server.overrides.clear();
		await until(() => server.streams.size === 1);
		server.publish(bundle(2));
		await revisionIs(2);
	});

	it("drips byte by byte: the request ends all the same", async () => {
		const drips = new Set<NodeJS.Timeout>();
		server.overrides.set("routing.json", (_request, response) => {
			response.writeHead(200);
			const drip = setInterval(() => response.write(" "), 5);
			drips.add(drip);
			response.on("close", () => clearInterval(drip));
		});
		start({ pollMs: 20, timeoutMs: 60 });
		await problemIs("SOURCE_UNREACHABLE");
		server.overrides.clear();
		server.publish(bundle(1));
		await revisionIs(1);
		for (const drip of drips) clearInterval(drip);
	});

	it("sends without end: cut off at the limit", async () => {
		const block = Buffer.alloc(1024 * 1024, " ");
		server.overrides.set("routing.json", (_request, response) => {
			response.writeHead(200);
			const more = () => {
				while (!response.destroyed && response.write(block));
			};
			response.on("drain", more);
			more();
		});
		start();
		await problemIs("BUNDLE_TOO_LARGE");
	});

	it("speaks no HTTP", async () => {
		await server.stop();
		const sockets = new Set<Socket>();
		const raw = createServer((socket) => {
			sockets.add(socket);
			socket.on("error", () => {});
			socket.end("SSH-2.0-OpenSSH_9.6\r\n");
		});
		await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
		const address = raw.address();
		const port = typeof address === "object" ? address?.port : 0;
		source = new HttpBundleSource(`http://127.0.0.1:${port}`, { onChange: () => {}, onError: () => {} });
		await problemIs("SOURCE_UNREACHABLE");
		raw.close();
		for (const socket of sockets) socket.destroy();
	});

	it("sends garbage for events: they are let go, and the rest works", async () => {
		server.publish(bundle(1));
		start();
		await revisionIs(1);
		for (const garbage of [
			Buffer.alloc(100_000, "x"),
			Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x0a]),
			"data: not json\n\n",
			"event: bundle\ndata: {]\n\n",
			"event: bundle\ndata: null\n\n",
			`event: bundle\ndata: {"digest":{"toString":1}}\n\n`,
			`event: ${"y".repeat(10_000)}\n`.repeat(10),
			"retry: -1\nid: \u0000\n\n",
		]) {
			await until(() => server.streams.size > 0);
			server.tell(garbage);
		}
		await until(() => server.streams.size > 0);
		server.publish(bundle(2));
		await revisionIs(2);
		expect(errors).toEqual([]);
	});

	it("tells of news without pause: it is asked a few times a second", async () => {
		server.publish(bundle(1));
		start({ random: () => 0.999 });
		await revisionIs(1);
		await until(() => server.streams.size === 1);
		const before = server.requests.length;
		for (let at = 0; at < 500; at++) server.tell(`event: bundle\ndata: {"digest":"${at}"}\n\n`);
		server.publish(bundle(2));
		await revisionIs(2);
		expect(server.requests.length - before).toBeLessThan(10);
	});
});

describe("the process", () => {
	const program = (url: string, more: string) =>
		`import { HttpBundleSource } from ${JSON.stringify(new URL("../index.ts", import.meta.url).href)};
		const source = new HttpBundleSource(${JSON.stringify(url)}, { onChange() {}, onError() {} });
		${more}`;
	const NODE_ARGUMENTS = ["--conditions=armspan-source", "--input-type=module", "-e"];

	it("is not kept alive by an open stream", async () => {
		server.publish(bundle(1));
		const child = spawn(process.execPath, [
			...NODE_ARGUMENTS,
			// Ends by itself once the bundle is there and the stream is open.
			program(
				server.url,
				"const wait = setInterval(() => { if (source.current) setTimeout(() => clearInterval(wait), 300); }, 10);",
			),
		]);
		const [code] = await once(child, "exit");
		expect(code).toBe(0);
		expect(server.requests).toContain("events");
	});

	it("is not kept alive by a server that never answers", async () => {
		server.override = () => {};
		const child = spawn(process.execPath, [...NODE_ARGUMENTS, program(server.url, "setTimeout(() => {}, 300);")]);
		const [code] = await once(child, "exit");
		expect(code).toBe(0);
	});

	it("is told at once of an address that cannot be used", () => {
		const { stderr } = spawnSync(process.execPath, [...NODE_ARGUMENTS, program("http://far.example", "")], {
			encoding: "utf8",
		});
		expect(stderr).toContain("SOURCE_INVALID");
	});
});
