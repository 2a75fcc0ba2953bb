/** How the application's side of Armspan is set up. Everything has a default. */
export interface ArmspanOptions {
	/** Folder of the routing bundle, re-read when it changes. Default: environment variable `ARMSPAN_ROUTING`. */
	readonly routingDirectory?: string | undefined;
	/** Folder of a bundle shipped with the application, used until `routingDirectory` can be read. */
	readonly bundledDefault?: string | undefined;
	/**
	 * Unit ids are replaced by their HMAC-SHA256 under this key before they leave the process; routing still hashes
	 * the id itself. Default: environment variable `ARMSPAN_UNIT_KEY`; without a key ids leave as they are.
	 */
	readonly unitKey?: string | undefined;
	/** How often the routing directory is looked at, in milliseconds: 10 to 60,000, default 250. */
	readonly pollMs?: number | undefined;
}

export interface ResolvedOptions {
	readonly routingDirectory: string | undefined;
	readonly bundledDefault: string | undefined;
	readonly unitKey: string | undefined;
	/** A key was given but cannot be used: ids must not leave the process at all. */
	readonly unitKeyUnusable: boolean;
	readonly pollMs: number;
}

const DEFAULT_POLL_MS = 250;

/** Options with the environment filled in. Never throws: what cannot be used is left out. */
export function resolveOptions(
	options: ArmspanOptions | undefined,
	environment: Readonly<Record<string, string | undefined>>,
): ResolvedOptions {
	const given = readable(options);
	const unitKey = given.unitKey ?? environment.ARMSPAN_UNIT_KEY;
	const usableKey = typeof unitKey === "string" && unitKey !== "";
	const pollMs = given.pollMs;
	return {
		routingDirectory: text(given.routingDirectory) ?? text(environment.ARMSPAN_ROUTING),
		bundledDefault: text(given.bundledDefault),
		unitKey: usableKey ? unitKey : undefined,
		// An empty variable is how a missing secret looks: it must not silently turn hashing off.
		unitKeyUnusable: unitKey !== undefined && !usableKey,
		pollMs: typeof pollMs === "number" && pollMs >= 10 && pollMs <= 60_000 ? pollMs : DEFAULT_POLL_MS,
	};
}

function readable(options: unknown): Readonly<Record<string, unknown>> {
	try {
		return typeof options === "object" && options !== null ? { ...options } : {};
	} catch {
		// An object that cannot be read has no options.
		return {};
	}
}

function text(value: unknown): string | undefined {
	return typeof value === "string" && value !== "" ? value : undefined;
}
