import { createHash, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileBundle, HttpBundleSource, type RoutingBundle, writeBundle } from "@armspan/router";
import { Environment } from "@armspan/schema";
import { type FastifyInstance, fastify } from "fastify";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PublishedBundle } from "../routing/published-bundle.ts";
import { createApi } from "./api.ts";

const TOKEN = "a-token-for-tests";
const { publicKey, privateKey } = generateKeyPairSync("ed25519");

function bundle(revision: number): RoutingBundle {
	const bytes = Buffer.from(`---\nmodel: m-small\n---\nReply ${revision}.\n`);
	const digest = createHash("sha256").update(bytes).digest("hex");
	return compileBundle({
		environmentName: "production",
		environment: Environment.parse({ prompts: { "support-reply": "1.0.0" } }),
		experiments: [],
		prompts: new Map([["support-reply@1.0.0", { bytes, digest, model: "m-small", config: {} }]]),
		revision,
		sourceCommit: "0123456789abcdef0123456789abcdef01234567",
	});
}

let directory: string;
let published: PublishedBundle;
let app: FastifyInstance;
let url: string;
let source: HttpBundleSource | undefined;

async function serve(options: { heartbeatMs?: number; maxEventStreams?: number } = {}): Promise<void> {
	const unused = () => {
		throw new Error("routing must not ask the evidence store");
	};
	published = new PublishedBundle(directory, "production", fastify().log);
	app = await createApi({
		...{ evidence: {} as never, forgetUnit: unused },
		backend: { health: unused, experiments: unused, decisions: unused, units: unused },
		bundle: () => published.current,
		routing: { published, ...options },
		token: TOKEN,
		version: "0.0.0",
		logger: fastify().log,
	});
	await app.listen({ host: "127.0.0.1", port: 0 });
	url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

beforeEach(() => {
	directory = mkdtempSync(join(tmpdir(), "armspan-published-"));
});
afterEach(async () => {
	source?.close();
	source = undefined;
	published.close();
	await app.close();
	rmSync(directory, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}) =>
	fetch(`${url}/routing/v1/${path}`, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
const until = (condition: () => unknown) =>
	vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 5 });

describe("the files", () => {
	it("are those on disk, with the digest as strong ETag", async () => {
		await writeBundle(directory, bundle(3));
		await serve();
		const answer = await get("routing.json");
		const text = await answer.text();
		expect(text).toBe(bundle(3).json);
		const etag = `"${createHash("sha256").update(text).digest("hex")}"`;
		expect(answer.headers.get("etag")).toBe(etag);
		expect(answer.headers.get("content-type")).toContain("application/json");
		for (const condition of [etag, `"x", ${etag}`, `W/${etag}`, "*"]) {
			expect((await get("routing.json", { "if-none-match": condition })).status).toBe(304);
		}
		expect((await get("routing.json", { "if-none-match": '"x"' })).status).toBe(200);

		const [[digest = "", bytes = new Uint8Array()] = []] = bundle(3).prompts;
		const prompt = await get(`prompts/${digest}.prompt`);
		expect(await prompt.text()).toBe(String(bytes));
		expect(prompt.headers.get("cache-control")).toContain("immutable");
		for (const name of ["routing.json.sig", "rollback.json", "rollback.json.sig"]) {
			expect((await get(name)).status).toBe(404);
		}
	});

	it("are signed, and come with the rollback record", async () => {
		await writeBundle(directory, bundle(7), { privateKey });
		await writeBundle(directory, bundle(5), {
			privateKey,
			rollback: { fromRevision: 7, reason: "worse", by: "ann" },
		});
		await serve();
		for (const name of ["routing.json.sig", "rollback.json", "rollback.json.sig"]) {
			expect(await (await get(name)).text()).toBe(readFileSync(join(directory, name), "utf8"));
		}
	});

	it("are nothing but the bundle's: no path leads elsewhere", async () => {
		await writeBundle(directory, bundle(1));
		await serve();
		const digest = "a".repeat(64);
		for (const path of [
			`prompts/${digest}.prompt`,
			`prompts/${digest.toUpperCase()}.prompt`,
			`prompts/${digest}.prompt%00`,
			`prompts/${digest}.prompt.json`,
			"prompts/..%2frouting.json",
			"prompts/..%2f..%2f..%2fetc%2fpasswd",
			"prompts/%2e%2e%2frouting.lock",
			"prompts/__proto__",
			"prompts/constructor.prompt",
			"routing.lock",
			"prompts/",
		]) {
			const { statusCode } = await app.inject({
				url: `/routing/v1/${path}`,
				headers: { authorization: `Bearer ${TOKEN}` },
			});
			expect([path, statusCode]).toEqual([path, 404]);
		}
	});

	it("need the token", async () => {
		await writeBundle(directory, bundle(1));
		await serve();
		const [digest = ""] = bundle(1).prompts.keys();
		for (const path of ["routing.json", "routing.json.sig", "rollback.json", "events", `prompts/${digest}.prompt`]) {
			expect((await get(path, { authorization: "Bearer other" })).status).toBe(401);
		}
	});

	it("are not there before the first deployment, and say to come back", async () => {
		await serve();
		const answer = await get("routing.json");
		expect(answer.status).toBe(503);
		expect(answer.headers.get("retry-after")).toBe("1");
		await writeBundle(directory, bundle(1));
		await until(() => published.current !== undefined);
		expect((await get("routing.json")).status).toBe(200);
	});

	it("of the bundle before are still had by who is in the middle of fetching it", async () => {
		await writeBundle(directory, bundle(1));
		await serve();
		const [digest = ""] = bundle(1).prompts.keys();
		await writeBundle(directory, bundle(2));
		await until(() => published.current?.table.revision === 2);
		expect((await get(`prompts/${digest}.prompt`)).status).toBe(200);
	});

	it("may be asked for more often than the rest of the API", async () => {
		await writeBundle(directory, bundle(1));
		await serve();
		for (let at = 0; at < 700; at++) {
			const { statusCode } = await app.inject({
				url: "/routing/v1/routing.json",
				headers: { authorization: `Bearer ${TOKEN}` },
			});
			if (statusCode !== 200) throw new Error(`status ${statusCode} after ${at} requests`);
		}
	});
});

describe("the events", () => {
	const open = () =>
		new Promise<{ text: () => string; ended: Promise<unknown>; status: number | undefined; abort: () => void }>(
			(resolve, reject) => {
				let text = "";
				const asked = request(
					`${url}/routing/v1/events`,
					{ headers: { authorization: `Bearer ${TOKEN}` } },
					(response) => {
						response.on("data", (chunk: Buffer) => {
							text += chunk.toString();
						});
						response.on("error", () => {});
						const ended = new Promise((end) => response.on("close", end));
						resolve({
							text: () => text,
							ended,
							status: response.statusCode,
							abort: () => asked.destroy(),
						});
					},
				);
				asked.on("error", reject);
				asked.end();
			},
		);

	it("begin with the bundle in force, tell of each new one, and beat", async () => {
		await writeBundle(directory, bundle(1));
		await serve({ heartbeatMs: 10 });
		const stream = await open();
		await until(() => stream.text().includes('data: {"revision":1,"digest":"'));
		await until(() => stream.text().includes(": still here"));
		await writeBundle(directory, bundle(2));
		const digest = createHash("sha256").update(bundle(2).json).digest("hex");
		await until(() => stream.text().includes(`event: bundle\ndata: {"revision":2,"digest":"${digest}"}\n\n`));
		stream.abort();
	});

	it("are limited in number, and a stream that ends makes room", async () => {
		await writeBundle(directory, bundle(1));
		await serve({ maxEventStreams: 2 });
		const streams = [await open(), await open()];
		expect(streams.map(({ status }) => status)).toEqual([200, 200]);
		const refused = await open();
		expect(refused.status).toBe(503);
		await refused.ended;
		expect(refused.text()).toContain("TOO_MANY_STREAMS");
		streams[0]?.abort();
		await vi.waitFor(
			async () => {
				const again = await open();
				const { status } = again;
				again.abort();
				expect(status).toBe(200);
			},
			{ timeout: 20_000 },
		);
		streams[1]?.abort();
	});

	it("end when the service stops, which does not wait for them", async () => {
		await writeBundle(directory, bundle(1));
		await serve();
		const stream = await open();
		await app.close();
		await stream.ended;
		expect(stream.text()).toContain("revision");
	});
});

it("an application follows the service, signed and kept", async () => {
	await writeBundle(directory, bundle(1), { privateKey });
	await serve();
	const cacheDirectory = mkdtempSync(join(tmpdir(), "armspan-kept-"));
	const errors: Error[] = [];
	source = new HttpBundleSource(url, {
		token: TOKEN,
		publicKeys: [publicKey],
		cacheDirectory,
		onChange: () => {},
		onError: (error) => errors.push(error),
	});
	await until(() => source?.current?.table.revision === 1);
	for (let revision = 2; revision <= 8; revision++) await writeBundle(directory, bundle(revision), { privateKey });
	await until(() => source?.current?.table.revision === 8);
	await writeBundle(directory, bundle(6), {
		privateKey,
		rollback: { fromRevision: 8, reason: "worse", by: "ann" },
	});
	await until(() => source?.current?.table.revision === 6);
	expect(errors).toEqual([]);
	await until(() => existsSync(join(cacheDirectory, "rollback.json")));
});
