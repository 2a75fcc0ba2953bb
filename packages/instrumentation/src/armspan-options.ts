/** How the application's side of Armspan is set up. Everything has a default. */
export interface ArmspanOptions {
	/** Folder of the routing bundle, re-read when it changes. Default: environment variable `ARMSPAN_ROUTING`. */
	readonly routingDirectory?: string | undefined;
	/**
	 * Address of a service that serves the routing bundle, instead of a folder: `https://armspan.example:7070`.
	 * Default: environment variable `ARMSPAN_ROUTING_URL`.
	 */
	readonly routingUrl?: string | undefined;
	/** Token of that service. Default: environment variable `ARMSPAN_ROUTING_TOKEN`. */
	readonly routingToken?: string | undefined;
	/**
	 * ed25519 public keys, PEM or base64, any of which may have signed the bundle; nothing unsigned is taken then.
	 * Default: environment variable `ARMSPAN_ROUTING_PUBLIC_KEY`, several separated by commas.
	 */
	readonly routingPublicKeys?: string | readonly string[] | undefined;
	/**
	 * Environment whose bundles are taken: `production`; those of another are refused. `bundledDefault` is not asked.
	 * Default: environment variable `ARMSPAN_ENVIRONMENT`; without it that of the bundled default, else of the cache, else
	 * of the first bundle.
	 */
	readonly environment?: string | undefined;
	/**
	 * Folder for the last good bundle, used at the next start until the source has a good one. One for each
	 * environment. Default: environment variable `ARMSPAN_ROUTING_CACHE`.
	 */
	readonly routingCache?: string | undefined;
	/** Folder of a bundle shipped with the application, used until the source has a good one. Trusted as its code. */
	readonly bundledDefault?: string | undefined;
	/**
	 * Unit ids are replaced by their HMAC-SHA256 under this key before they leave the process; routing still hashes
	 * the id itself. Default: environment variable `ARMSPAN_UNIT_KEY`; without a key ids leave as they are.
	 */
	readonly unitKey?: string | undefined;
	/**
	 * Signs what leaves with `reference()` and with baggage: at least 32 characters, several for a change of keys, of
	 * which the first signs. A text is one key, with its commas. Default: environment variable `ARMSPAN_REFERENCE_KEY`,
	 * several separated by commas; without a key there are no references.
	 */
	readonly referenceKey?: string | readonly string[] | undefined;
	/**
	 * Hosts that the assignment is carried to in the `baggage` header: `["*.internal.example"]`, where `*.` stands for
	 * any subdomains. Default: environment variable `ARMSPAN_BAGGAGE_HOSTS`, separated by commas; without, to none.
	 */
	readonly baggage?: { readonly hosts: readonly string[] } | undefined;
	/** How often the source is looked at, in milliseconds: 10 to 60,000, default 250 for a folder, 30,000 for an address. */
	readonly pollMs?: number | undefined;
}

export interface ResolvedOptions {
	readonly routingDirectory: string | undefined;
	/** Wins over `routingDirectory`. */
	readonly routingUrl: string | undefined;
	readonly routingToken: string | undefined;
	/** As given; `undefined` when signatures are not asked for. */
	readonly routingPublicKeys: readonly string[] | undefined;
	readonly environment: string | undefined;
	readonly routingCache: string | undefined;
	readonly bundledDefault: string | undefined;
	readonly unitKey: string | undefined;
	/** A key was given but cannot be used: ids must not leave the process at all. */
	readonly unitKeyUnusable: boolean;
	/** Those that are long enough. */
	readonly referenceKeys: readonly string[];
	/** A key was given that is too short. */
	readonly referenceKeyUnusable: boolean;
	readonly baggageHosts: readonly string[];
	readonly pollMs: number | undefined;
	/** Names that are no option: misspelt, most likely. */
	readonly unknown: readonly string[];
}

const OPTIONS: ReadonlySet<string> = new Set(
	Object.keys({
		routingDirectory: true,
		routingUrl: true,
		routingToken: true,
		routingPublicKeys: true,
		environment: true,
		routingCache: true,
		bundledDefault: true,
		unitKey: true,
		referenceKey: true,
		baggage: true,
		pollMs: true,
	} satisfies Record<keyof ArmspanOptions, true>),
);

/** A browser holds signed text and may try keys on it. */
const MIN_REFERENCE_KEY_LENGTH = 32;

/** Options with the environment filled in. Never throws: what cannot be used is left out. */
export function resolveOptions(
	options: ArmspanOptions | undefined,
	environment: Readonly<Record<string, string | undefined>>,
): ResolvedOptions {
	const given = readable(options);
	const unitKey = given.unitKey ?? environment.ARMSPAN_UNIT_KEY;
	const usableKey = typeof unitKey === "string" && unitKey !== "";
	const pollMs = given.pollMs;
	const referenceKeys = keys(given.referenceKey) ?? list(environment.ARMSPAN_REFERENCE_KEY);
	const usableReferenceKeys = referenceKeys.filter((key) => key.length >= MIN_REFERENCE_KEY_LENGTH);
	const inOptions = { directory: text(given.routingDirectory), url: text(given.routingUrl) };
	const inEnvironment = { directory: text(environment.ARMSPAN_ROUTING), url: text(environment.ARMSPAN_ROUTING_URL) };
	// Code that names one source does not want the other of the environment.
	const source = inOptions.directory === undefined && inOptions.url === undefined ? inEnvironment : inOptions;
	return {
		routingDirectory: source.directory,
		routingUrl: source.url,
		routingToken: text(given.routingToken) ?? text(environment.ARMSPAN_ROUTING_TOKEN),
		routingPublicKeys: texts(given.routingPublicKeys ?? environment.ARMSPAN_ROUTING_PUBLIC_KEY),
		environment: text(given.environment) ?? text(environment.ARMSPAN_ENVIRONMENT),
		routingCache: text(given.routingCache) ?? text(environment.ARMSPAN_ROUTING_CACHE),
		bundledDefault: text(given.bundledDefault),
		unitKey: usableKey ? unitKey : undefined,
		// An empty variable is how a missing secret looks: it must not silently turn hashing off.
		unitKeyUnusable: unitKey !== undefined && !usableKey,
		referenceKeys: usableReferenceKeys,
		referenceKeyUnusable: usableReferenceKeys.length < referenceKeys.length,
		baggageHosts: list(readable(given.baggage).hosts ?? environment.ARMSPAN_BAGGAGE_HOSTS),
		pollMs: typeof pollMs === "number" && pollMs >= 10 && pollMs <= 60_000 ? pollMs : undefined,
		unknown: Object.keys(given).filter((name) => !OPTIONS.has(name)),
	};
}

/** What was given, be it empty or no text at all: a key that cannot be read must not turn signatures off. */
function texts(value: unknown): readonly string[] | undefined {
	if (value === undefined) return undefined;
	return (Array.isArray(value) ? value : [value]).map((one) => (typeof one === "string" ? one : ""));
}

function readable(options: unknown): Readonly<Record<string, unknown>> {
	try {
		return typeof options === "object" && options !== null ? { ...options } : {};
	} catch {
		// An object that cannot be read has no options.
		return {};
	}
}

/** As given in code, where a comma is part of the key; a blank one is too short, not absent. */
function keys(value: unknown): readonly string[] | undefined {
	return texts(value)?.map((key) => key.trim());
}

/** Texts of an array, or separated by commas; blank ones are none. */
function list(value: unknown): readonly string[] {
	const given: readonly unknown[] = typeof value === "string" ? value.split(",") : Array.isArray(value) ? value : [];
	return given.flatMap((one) => (typeof one === "string" && one.trim() !== "" ? [one.trim()] : []));
}

function text(value: unknown): string | undefined {
	return typeof value === "string" && value !== "" ? value : undefined;
}
