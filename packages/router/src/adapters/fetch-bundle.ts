import { RouterError, type RouterProblem } from "../errors.ts";
import { inSlices } from "../in-slices.ts";
import { acceptRoutingSteps, type CheckedRouting, type RoutingBytes } from "./accept-routing.ts";
import {
	bundleError,
	MAX_COMPANION_FILE_BYTES,
	MAX_PROMPT_FILE_BYTES,
	MAX_ROUTING_FILE_BYTES,
	ROLLBACK_FILE,
	ROLLBACK_SIGNATURE_FILE,
	ROUTING_FILE,
	SIGNATURE_FILE,
} from "./bundle-file.ts";
import type { HeldBundle } from "./held-bundle.ts";
import { hasDigest, type LoadedBundle, promptProblem } from "./read-bundle.ts";
import type { RoutingClient } from "./routing-client.ts";

const PARALLEL_PROMPTS = 8;

/**
 * Fetches and checks the bundle of a server, its prompts that are not held yet included.
 * @throws {RouterError} what `readBundle` throws, SOURCE_UNREACHABLE, SOURCE_REFUSED
 */
export async function fetchBundle(
	client: RoutingClient,
	held: HeldBundle,
	etag: string | undefined,
): Promise<"not-modified" | { readonly bundle: LoadedBundle; readonly etag: string | undefined }> {
	const current = held.current;
	// The service's ETag is the digest, so that a bundle from the cache need not be fetched again.
	const known = etag ?? (current === undefined ? undefined : `"${current.routingDigest}"`);
	const answer = await client.get(ROUTING_FILE, { maxBytes: MAX_ROUTING_FILE_BYTES, etag: known });
	const origin = client.address(ROUTING_FILE);
	if (answer.status === 404) throw bundleError("BUNDLE_MISSING", origin, "there is no bundle; start the service");
	if (answer.status === 304) {
		if (current !== undefined) return "not-modified";
		throw bundleError("SOURCE_REFUSED", origin, "status 304 to a request without condition");
	}
	held.beginCheck();
	try {
		const isSigned = held.trust.publicKeys !== undefined;
		const bytes = await fetchCompanions(client, { origin, routing: answer.body }, isSigned);
		const routing = await inSlices(acceptRoutingSteps(bytes, held.trust));
		held.remember(routing);
		return { bundle: await fetchPrompts(client, routing, current), etag: answer.etag };
	} finally {
		held.endCheck();
	}
}

/** After the routing file: its writer puts the signature in place before it. */
async function fetchCompanions(client: RoutingClient, bytes: RoutingBytes, signed: boolean): Promise<RoutingBytes> {
	const get = async (path: string) => {
		const { status, body } = await client.get(path, { maxBytes: MAX_COMPANION_FILE_BYTES });
		return status === 200 ? body : undefined;
	};
	const [signature, rollback, rollbackSignature] = await Promise.all([
		signed ? get(SIGNATURE_FILE) : undefined,
		get(ROLLBACK_FILE),
		signed ? get(ROLLBACK_SIGNATURE_FILE) : undefined,
	]);
	return { ...bytes, signature, rollback, rollbackSignature };
}

async function fetchPrompts(
	client: RoutingClient,
	{ table, file, routingDigest, bytes }: CheckedRouting,
	previous: LoadedBundle | undefined,
): Promise<LoadedBundle> {
	const prompts = new Map<string, Uint8Array>();
	const problems: RouterProblem[] = [];
	const digests = table.digests.values();
	const worker = async () => {
		// One iterator for all workers: each takes what is next.
		for (const digest of digests) {
			const known = previous?.prompts.get(digest) ?? (await fetchPrompt(client, digest, problems));
			if (known !== undefined) prompts.set(digest, known);
			if (problems.length > 0) return;
		}
	};
	await Promise.all(Array.from({ length: PARALLEL_PROMPTS }, worker));
	const [first, ...rest] = problems;
	if (first !== undefined) throw new RouterError([first, ...rest]);
	return { table, file, prompts, routingDigest, bytes };
}

async function fetchPrompt(
	client: RoutingClient,
	digest: string,
	problems: RouterProblem[],
): Promise<Uint8Array | undefined> {
	const path = `prompts/${digest}.prompt`;
	const { status, body } = await client.get(path, { maxBytes: MAX_PROMPT_FILE_BYTES });
	const address = client.address(path);
	if (status !== 200) problems.push(promptProblem("PROMPT_MISSING", address, digest, `status ${status}`));
	else if (hasDigest(body, digest)) return body;
	else problems.push(promptProblem("PROMPT_CORRUPT", address, digest, "its bytes do not hash to its name"));
	return undefined;
}
