import { createHash } from "node:crypto";

/** What a draw belongs to: the same identity and purpose always draw the same number. */
export interface DrawIdentity {
	readonly seed: number;
	readonly user: string;
	readonly turn: number;
}

/** Uniform number in [0, 1), from a hash and nothing else: arrival order plays no part. */
export function uniform({ seed, user, turn }: DrawIdentity, purpose: string): number {
	const digest = createHash("sha256").update(`${seed}\0${user}\0${turn}\0${purpose}`).digest();
	return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** Standard normal number (Box–Muller). */
export function normal(identity: DrawIdentity, purpose: string): number {
	const radius = Math.sqrt(-2 * Math.log(1 - uniform(identity, `${purpose}/radius`)));
	return radius * Math.cos(2 * Math.PI * uniform(identity, `${purpose}/angle`));
}

/** Lognormal number with the given median; `sigma` is the standard deviation of its logarithm. */
export function lognormal(identity: DrawIdentity, purpose: string, median: number, sigma: number): number {
	return median * Math.exp(sigma * normal(identity, purpose));
}

/** Hex digits that identify a response. */
export function identifier({ seed, user, turn }: DrawIdentity): string {
	return createHash("sha256").update(`${seed}\0${user}\0${turn}\0id`).digest("hex").slice(0, 24);
}
