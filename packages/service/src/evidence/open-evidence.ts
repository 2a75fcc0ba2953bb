import { openRegistry } from "@armspan/registry";
import { openStore, type StoreOptions, storeOfEnvironment } from "@armspan/store";
import { EvidenceReader } from "./evidence-reader.ts";

export interface OpenEvidenceOptions {
	store: StoreOptions;
	/** Git repository with experiments and metrics; none is needed for SQL. */
	repository?: string;
	/** @default HEAD */
	ref?: string;
	environment?: string;
}

/** Evidence that is read without a service. */
export interface OpenEvidence extends AsyncDisposable {
	readonly reader: EvidenceReader;
}

/**
 * Opens the evidence for questions; an embedded folder must not be in use.
 * @throws {StoreError | RegistryError}
 */
export async function openEvidence({
	store: options,
	repository,
	ref,
	environment,
}: OpenEvidenceOptions): Promise<OpenEvidence> {
	const snapshot = repository === undefined ? undefined : await (await openRegistry(repository)).snapshot(ref);
	const store = await openStore(options);
	try {
		// Whoever only reads a server may not be allowed to change it; its service migrates.
		if (options.kind === "embedded") await store.migrate();
	} catch (error) {
		await store.close();
		throw error;
	}
	const reader = new EvidenceReader({
		store: environment === undefined ? store : storeOfEnvironment(store, environment),
		environment,
		intent: () => snapshot ?? { experiments: [], metrics: [] },
	});
	return { reader, [Symbol.asyncDispose]: () => store.close() };
}
