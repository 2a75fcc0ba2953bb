import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { revisionOnDisk, writeBundle } from "@armspan/router";
import { afterEach, expect, it, vi } from "vitest";
import { type Armspan, createArmspan } from "./armspan.ts";
import type { ArmspanOptions } from "./armspan-options.ts";
import { startSpan } from "./fixtures/recording-span.ts";
import { supportBundle, temporaryDirectory, writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

recordTelemetry();

it("keeps the last good bundle while the directory holds rubbish, says so on spans, and recovers", async () => {
	const directory = await writeSupportBundle();
	const armspan = createArmspan({ routingDirectory: directory, pollMs: 10 });
	const route = () => armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } });
	const { version } = route();

	writeFileSync(join(directory, "routing.json"), '{"flags":');
	await vi.waitFor(() => expect(armspan.status().stale).toBe(true), { timeout: 10_000 });
	expect(route()).toMatchObject({ version, fallbackReason: "bundle-stale", enrolled: true });
	expect(route().run(() => startSpan()).attributes).toMatchObject({
		"armspan.fallback.reason": "bundle-stale",
		"armspan.routing.revision": 7,
		"armspan.experiment": "polite",
	});
	expect(armspan.status().counters.bundlesRefused).toBeGreaterThan(0);

	writeFileSync(join(directory, "routing.json"), supportBundle(8).json);
	await vi.waitFor(() => expect(armspan.status().revision).toBe(8), { timeout: 10_000 });
	expect(route()).toMatchObject({ version, fallbackReason: undefined });
	armspan.close();
});

it("is no longer stale when the same bytes come back", async () => {
	const directory = await writeSupportBundle();
	const armspan = createArmspan({ routingDirectory: directory, pollMs: 10 });
	writeFileSync(join(directory, "routing.json"), "rubbish");
	await vi.waitFor(() => expect(armspan.status().stale).toBe(true), { timeout: 10_000 });
	writeFileSync(join(directory, "routing.json"), supportBundle(7).json);
	await vi.waitFor(() => expect(armspan.status().stale).toBe(false), { timeout: 10_000 });
	expect(armspan.status().lastError).toBeUndefined();
	armspan.close();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function start(options: ArmspanOptions): Armspan {
	const armspan = createArmspan(options);
	cleanups.push(() => armspan.close());
	return armspan;
}

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
	const server = createServer(listener);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	cleanups.push(() => {
		server.closeAllConnections();
		return new Promise((resolve) => server.close(resolve));
	});
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** Serves a bundle; without events, so that the client polls. */
const serving =
	(bundleOf: () => ReturnType<typeof supportBundle>): RequestListener =>
	({ url = "" }, response) => {
		const bundle = bundleOf();
		const digest = /prompts\/(\w+)\.prompt$/.exec(url)?.[1];
		const body = url.endsWith("routing.json") ? bundle.json : bundle.prompts.get(digest ?? "");
		if (body === undefined) response.writeHead(404).end();
		else response.end(body);
	};

const route = (armspan: Armspan) => armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } });
const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

it("begins with the bundled default and goes over to the address when it answers", async () => {
	let isUp = false;
	const answer = serving(() => supportBundle(9));
	const { url } = await serve((request, response) => (isUp ? answer(request, response) : undefined));
	const armspan = start({ routingUrl: url, bundledDefault: await writeSupportBundle(), pollMs: 20 });
	// It hangs: calls are answered all the same, and at once.
	expect(route(armspan)).toMatchObject({ version: expect.any(String), fallbackReason: "bundled-default" });
	expect(armspan.status()).toMatchObject({ source: "bundled-default", revision: 7, routingUrl: url });
	isUp = true;
	// The first request hangs for ever; a new start is not made for it.
	armspan.close();
	const next = start({ routingUrl: url, bundledDefault: await writeSupportBundle(), pollMs: 20 });
	await until(() => expect(next.status()).toMatchObject({ source: "routing-url", revision: 9, stale: false }));
	expect(route(next).fallbackReason).toBeUndefined();
	expect(next.status().ageMs).toBeGreaterThanOrEqual(0);
});

it("says on spans and in the status that the address is gone, and keeps the bundle for the next start", async () => {
	const routingCache = temporaryDirectory();
	const { url, server } = await serve(serving(() => supportBundle(9)));
	const armspan = start({ routingUrl: url, routingCache, pollMs: 20 });
	await until(() => expect(armspan.status().revision).toBe(9));
	await until(() => expect(revisionOnDisk(routingCache)).toBe(9));
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
	await until(() => expect(armspan.status()).toMatchObject({ stale: true, staleReason: "SOURCE_UNREACHABLE" }));
	expect(route(armspan)).toMatchObject({ fallbackReason: "bundle-stale", enrolled: true });
	armspan.close();

	const again = start({ routingUrl: url, routingCache, pollMs: 20 });
	expect(again.status()).toMatchObject({ source: "cache", revision: 9, stale: true, staleReason: "FROM_CACHE" });
	expect(route(again).run(() => startSpan()).attributes).toMatchObject({
		"armspan.fallback.reason": "bundle-stale",
		"armspan.routing.revision": 9,
	});
	await until(() => expect(again.status().staleReason).toBe("SOURCE_UNREACHABLE"));
	expect(again.status().lastError).toContain("ECONNREFUSED");
});

it("counts a cache that cannot be written, and goes on", async () => {
	const routingCache = join(temporaryDirectory(), "a-file");
	writeFileSync(routingCache, "");
	const armspan = start({ routingDirectory: await writeSupportBundle(), routingCache });
	await until(() => expect(armspan.status().counters.cacheFailures).toBeGreaterThan(0));
	expect(armspan.status()).toMatchObject({ stale: false, revision: 7, cacheProblem: expect.any(String) });
});

it("takes nothing unsigned with a public key, nor with one that cannot be read", async () => {
	const { publicKey, privateKey } = generateKeyPairSync("ed25519");
	const pem = String(publicKey.export({ type: "spki", format: "pem" }));
	const directory = await writeSupportBundle();
	expect(start({ routingDirectory: directory, routingPublicKeys: pem }).status()).toMatchObject({
		source: "none",
		staleReason: "SIGNATURE_MISSING",
	});
	await writeBundle(directory, supportBundle(8), { privateKey });
	expect(start({ routingDirectory: directory, routingPublicKeys: [pem] }).status()).toMatchObject({ revision: 8 });
	// Empty is how a missing secret looks.
	for (const routingPublicKeys of ["", [], "garbage", 5 as unknown as string]) {
		const armspan = start({ routingDirectory: directory, routingPublicKeys });
		expect(armspan.status()).toMatchObject({ source: "none", stale: true, staleReason: "KEY_INVALID" });
		expect(route(armspan).fallbackReason).toBe("no-bundle");
	}
});

it("does not throw for an address that cannot be used, and says why", async () => {
	const bundledDefault = await writeSupportBundle();
	for (const routingUrl of ["not an address", "http://far.example:7070", "file:///etc"]) {
		const armspan = start({ routingUrl, bundledDefault, routingToken: "secret" });
		expect(armspan.status()).toMatchObject({ source: "bundled-default", staleReason: "SOURCE_INVALID" });
		await until(() => expect(armspan.status().lastError).toContain("routing source"));
		expect(armspan.status().lastError).not.toContain("secret");
	}
});

it("does not throw for any source that is no folder", async () => {
	const directory = temporaryDirectory();
	mkdirSync(join(directory, "routing.json"));
	const armspan = start({ routingDirectory: directory, pollMs: 10 });
	expect(armspan.status()).toMatchObject({ staleReason: "BUNDLE_UNREADABLE", source: "none" });
	rmSync(join(directory, "routing.json"), { recursive: true });
	await writeSupportBundle(directory);
	await until(() => expect(armspan.status()).toMatchObject({ stale: false, revision: 7 }));
});

/** The same bundle as another environment would have it. */
function ofEnvironment(name: string, revision: number): ReturnType<typeof supportBundle> {
	const bundle = supportBundle(revision);
	const file = { ...bundle.file, metadata: { ...bundle.file.metadata, flagSetId: `armspan/${name}` } };
	return { ...bundle, file, json: JSON.stringify(file) };
}

it("says what is in force: environment, digest, commit", async () => {
	const status = start({ routingDirectory: await writeSupportBundle() }).status();
	expect(status).toMatchObject({ flagSetId: "armspan/test", sourceCommit: "0".repeat(40) });
	expect(status.routingDigest).toMatch(/^[0-9a-f]{64}$/);
});

it("keeps to its first environment, and takes the right file again whatever revision the wrong one had", async () => {
	const routingDirectory = await writeSupportBundle();
	const armspan = start({ routingDirectory, pollMs: 10 });
	writeFileSync(join(routingDirectory, "routing.json"), ofEnvironment("staging", 900).json);
	await until(() => expect(armspan.status().staleReason).toBe("ENVIRONMENT_DIFFERS"));
	expect(armspan.status()).toMatchObject({ flagSetId: "armspan/test", revision: 7, stale: true });
	expect(armspan.status().lastError).toContain("armspan/staging");
	writeFileSync(join(routingDirectory, "routing.json"), supportBundle(8).json);
	await until(() => expect(armspan.status()).toMatchObject({ revision: 8, stale: false }));
});

it("takes only the environment that is named, over HTTP also, and never writes another over its cache", async () => {
	const routingCache = temporaryDirectory();
	let bundle = ofEnvironment("staging", 50);
	const { url } = await serve(serving(() => bundle));
	const armspan = start({ routingUrl: url, environment: "test", routingCache, pollMs: 10 });
	await until(() => expect(armspan.status().staleReason).toBe("ENVIRONMENT_DIFFERS"));
	expect(armspan.status()).toMatchObject({ source: "none", revision: undefined });
	expect(revisionOnDisk(routingCache)).toBeUndefined();
	bundle = supportBundle(3);
	await until(() => expect(armspan.status()).toMatchObject({ flagSetId: "armspan/test", revision: 3, stale: false }));
});

it("is of the environment of what was shipped with the code, unless one is named", async () => {
	const bundledDefault = await writeSupportBundle();
	const routingDirectory = temporaryDirectory();
	await writeBundle(routingDirectory, ofEnvironment("staging", 50));
	expect(start({ routingDirectory, bundledDefault }).status()).toMatchObject({
		...{ source: "bundled-default", flagSetId: "armspan/test", staleReason: "ENVIRONMENT_DIFFERS" },
	});
	expect(start({ routingDirectory, bundledDefault, environment: "staging" }).status()).toMatchObject({
		...{ source: "routing-directory", flagSetId: "armspan/staging", revision: 50, stale: false },
	});
});
