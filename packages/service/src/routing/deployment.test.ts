import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository, openRegistry, type Registry } from "@armspan/registry";
import { readBundle } from "@armspan/router";
import type { FastifyBaseLogger } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Deployment, type DeploymentOptions } from "./deployment.ts";
import { readSigningKey } from "./signing-key.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const trust = { publicKeys: [publicKey] };
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as FastifyBaseLogger;

let root: string;
let routingDirectory: string;
let registry: Registry;

beforeEach(async () => {
	root = mkdtempSync(join(tmpdir(), "armspan-deployment-"));
	routingDirectory = join(root, "routing");
	await initRepository(join(root, "repository"));
	registry = await openRegistry(join(root, "repository"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function deploy(options: Partial<DeploymentOptions> = {}): Promise<Deployment> {
	const deployment = new Deployment({
		registry,
		environmentName: "production",
		routingDirectory,
		now: () => 0,
		logger: silent,
		...options,
	});
	await deployment.start(new Set(), 0);
	return deployment;
}

test("a bundle is signed when there is a key, also one that was written before there was", async () => {
	await deploy();
	expect(() => readBundle(routingDirectory, undefined, trust)).toThrow(/SIGNATURE|signature/);
	const { revision } = (await deploy({ privateKey })).state;
	expect(readBundle(routingDirectory, undefined, trust).table.revision).toBe(revision);
	expect(revision).toBe(1);
});

test("a signature that somebody removed or spoilt is made again, under the same revision", async () => {
	const deployment = await deploy({ privateKey });
	const file = join(routingDirectory, "routing.json.sig");
	for (const spoil of [() => rmSync(file), () => writeFileSync(file, "spoilt")]) {
		spoil();
		await deployment.restore();
		expect(readBundle(routingDirectory, undefined, trust).table.revision).toBe(1);
	}
});

test("an edited bundle is never signed: it is written again", async () => {
	const deployment = await deploy({ privateKey });
	const { file } = readBundle(routingDirectory);
	writeFileSync(
		join(routingDirectory, "routing.json"),
		JSON.stringify({ ...file, metadata: { ...file.metadata, revision: 40 } }),
	);
	await deployment.restore();
	const restored = readBundle(routingDirectory, undefined, trust);
	expect(restored.table.revision).toBe(41);
	expect({ ...restored.file.metadata, revision: 0, version: "" }).toEqual({
		...file.metadata,
		revision: 0,
		version: "",
	});
});

test("what follows a rollback record is above what was gone back from, or no reader would take it", async () => {
	const deployment = await deploy({ privateKey });
	rmSync(join(routingDirectory, "routing.json"));
	const record = { fromRevision: 90_000_000, toRevision: 3, routingDigest: "0".repeat(64), reason: "r", by: "b" };
	writeFileSync(join(routingDirectory, "routing.json"), "{}");
	writeFileSync(join(routingDirectory, "rollback.json"), JSON.stringify(record));
	await deployment.restore();
	expect(readBundle(routingDirectory, undefined, trust).table.revision).toBe(90_000_001);
});

test("a key is PEM or names a file; anything else is refused without showing it", () => {
	const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
	const file = join(root, "routing.pem");
	writeFileSync(file, pem);
	expect(readSigningKey(pem).equals(privateKey)).toBe(true);
	expect(readSigningKey(file).equals(privateKey)).toBe(true);
	for (const value of ["", join(root, "gone.pem"), root]) {
		expect(() => readSigningKey(value)).toThrow(expect.objectContaining({ code: "PRIVATE_KEY_UNREADABLE" }));
	}
	writeFileSync(file, "not a key");
	expect(() => readSigningKey(file)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
});

test("what would move units of a running iteration is refused with its line before any look recorded its design", async () => {
	const deployment = await deploy();
	const repository = join(root, "repository");
	const commit = (change: (text: string) => string): void => {
		const file = join(repository, "experiments/support-tone.yaml");
		writeFileSync(file, change(readFileSync(file, "utf8")));
		execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qam", "changed"], {
			cwd: repository,
		});
	};
	const { commit: deployedCommit } = deployment.state.snapshot;
	commit((text) => text.replace("weight: 1", "weight: 9"));
	await deployment.follow();
	expect(deployment.problem).toMatch(/^experiments\/support-tone\.yaml:\d+: variants: .*set iteration: 2/);
	expect(deployment.state.snapshot.commit).toBe(deployedCommit);

	// A halt is written whatever stands in git.
	const { revision } = await deployment.halt(new Set(["support-tone#1"]));
	expect(readBundle(routingDirectory).file.flags["support-reply"]?.metadata.experiments).toBe("support-tone#1:halted");
	expect(readBundle(routingDirectory).table.revision).toBe(revision);

	commit((text) => text.replace(/^iteration: 1$/m, "iteration: 2"));
	await deployment.follow();
	expect(deployment.problem).toBeUndefined();
	expect(deployment.state.revision).toBe(revision + 1);
});
