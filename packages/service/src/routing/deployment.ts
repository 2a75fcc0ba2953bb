import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { changedFields, type IterationDesign } from "@armspan/analysis";
import {
	designChanges,
	type ExperimentFile,
	type LineOf,
	type Registry,
	type RepositorySnapshot,
} from "@armspan/registry";
import {
	compileBundle,
	isSigned,
	type LoadedBundle,
	RouterError,
	type RoutingBytes,
	readBundle,
	readRoutingBytes,
	revisionOnDisk,
	signBundle,
	writeBundle,
} from "@armspan/router";
import { type Environment, RollbackRecord, type RoutingFile } from "@armspan/schema";
import type { FastifyBaseLogger } from "fastify";
import { ServiceError } from "../service-error.ts";
import { within } from "../within.ts";

export interface DeploymentOptions {
	registry: Registry;
	/** Name of the environment file whose pins are deployed. */
	environmentName: string;
	/** Folder of the routing bundle that applications read. */
	routingDirectory: string;
	/**
	 * The highest revision that evidence and decisions name. Asked before each write, for two seconds at most: another
	 * service on the same store may have written higher ones, which applications hold.
	 */
	highestRevision?: () => Promise<number>;
	/** ed25519; signs the bundle. */
	privateKey?: KeyObject | undefined;
	/** Milliseconds since 1970. @default Date.now */
	now?: () => number;
	logger: FastifyBaseLogger;
}

/** What is deployed now, and since which revision. */
export interface DeployedState {
	/** Revision of the routing file on disk. */
	revision: number;
	snapshot: RepositorySnapshot;
	environment: Environment;
	/** When the routing file was last written by this process; `undefined` when it was found as it should be. */
	writtenAt: Date | undefined;
}

/** A halt does not wait longer for a store that does not answer. */
const REVISION_PATIENCE_MS = 2000;

/** Names one iteration of an experiment in the overlay of halts. */
export function iterationKey(experiment: string, iteration: number): string {
	return `${experiment}#${iteration}`;
}

/**
 * Brings the routing bundle in line with what git intends and what guardrails have halted.
 *
 * Halts lie over git's intent: a halted iteration stays halted, whatever the repository says, until a
 * person starts a new one. A repository that cannot be read or compiled changes nothing: the bundle that
 * is deployed stays, and `problem` says why.
 */
export class Deployment {
	readonly #options: DeploymentOptions;
	#fingerprint: string | undefined;
	#halted: ReadonlySet<string> = new Set();
	/** Halts that the bundle on disk is known to contain. */
	#writtenHalts: ReadonlySet<string> | undefined;
	#highestRevision = 0;
	/** sha256 of the `routing.json` that this process wrote or found right. */
	#writtenDigest: string | undefined;
	readonly #designs = new Map<string, IterationDesign>();
	/** Iterations whose end is recorded, and when that was. */
	readonly #ends = new Map<string, string>();
	/** What this process last compiled; a file that somebody edited is no measure of what may change. */
	#inForce: RoutingFile | undefined;
	#state: DeployedState | undefined;
	#problem: string | undefined;

	constructor(options: DeploymentOptions) {
		this.#options = options;
	}

	/** @throws {ServiceError} STARTING before the first deployment */
	get state(): DeployedState {
		if (this.#state === undefined) {
			throw new ServiceError("STARTING", "the service is starting; try again in a second");
		}
		return this.#state;
	}

	/** Why the newest commit is not deployed; `undefined` when it is. */
	get problem(): string | undefined {
		return this.#problem;
	}

	get experiments(): readonly ExperimentFile[] {
		return this.state.snapshot.experiments;
	}

	experiment(key: string): ExperimentFile | undefined {
		return this.experiments.find((file) => file.experiment.key === key);
	}

	/**
	 * Reads, compiles and writes for the first time.
	 * @param highestRevision of the evidence: a bundle that was lost must not be followed by one with a revision
	 *   that calls were counted under before
	 * @throws what makes the repository undeployable
	 */
	async start(halted: ReadonlySet<string>, highestRevision: number): Promise<DeployedState> {
		this.#halted = halted;
		this.#highestRevision = highestRevision;
		this.#fingerprint = await this.#options.registry.fingerprint();
		const state = await this.#deploy();
		// Guardrails of other experiments need the service: it starts, and what has ended stays out of the bundle.
		const resumed = this.#resumed(state.snapshot);
		if (resumed.length > 0) {
			this.#problem = resumed.join("\n");
			this.#options.logger.error(this.#problem);
		}
		return state;
	}

	/** Follows new commits and tags. Never throws for a repository that is broken: it keeps what is deployed. */
	async follow(): Promise<void> {
		const fingerprint = await this.#options.registry.fingerprint();
		if (fingerprint === this.#fingerprint) {
			return;
		}
		try {
			await this.#deploy();
			this.#problem = undefined;
		} catch (error) {
			this.#problem = (error as Error).message;
			this.#options.logger.error(
				{ err: error },
				"the newest commit is not deployed; the routing bundle stays as it is",
			);
		}
		this.#fingerprint = fingerprint;
	}

	/** An iteration was begun with this design; a commit that changes it within the iteration is refused. */
	knowDesign(key: string, design: IterationDesign): void {
		this.#designs.set(key, design);
	}

	/** An iteration's evidence is closed; a commit that lets it run again is refused. */
	knowEnd(key: string, endedAt: string): void {
		this.#ends.set(key, endedAt);
	}

	/**
	 * Writes the bundle again when somebody removed or edited it, or went back with a rollback record: what is in force
	 * is what was compiled, and nothing else. Where a service runs, the way back is a commit.
	 */
	async restore(): Promise<void> {
		const onDisk = this.#routingBytes();
		if (onDisk !== undefined && sha256(onDisk.routing) === this.#writtenDigest) {
			await this.#sign(onDisk, this.#writtenDigest);
			return;
		}
		this.#options.logger.warn("the routing bundle is gone or was edited by hand; writing it again");
		const { snapshot, environment } = this.state;
		await this.#write(snapshot, environment);
	}

	/**
	 * The highest revision that is known: what this process wrote, and what evidence names. A store that does not answer
	 * leaves it as it was known.
	 */
	async highestRevision(): Promise<number> {
		const { highestRevision, logger } = this.#options;
		if (highestRevision !== undefined) {
			try {
				this.#highestRevision = Math.max(this.#highestRevision, await within(REVISION_PATIENCE_MS, highestRevision()));
			} catch (error) {
				logger.warn({ err: error }, "which revisions the evidence names is not known; going on from our own");
			}
		}
		return this.#highestRevision;
	}

	/** Writes the bundle again, above what evidence names: applications that came from another service take it then. */
	async rise(): Promise<void> {
		const { snapshot, environment, revision } = this.state;
		if ((await this.highestRevision()) > revision) {
			await this.#write(snapshot, environment);
		}
	}

	/** Writes a bundle in which the iterations of `halted`, which a guardrail or a person ended, give everybody control, unenrolled. */
	async halt(halted: ReadonlySet<string>): Promise<DeployedState> {
		if (this.#writtenHalts !== undefined && isSameSet(this.#writtenHalts, halted)) {
			return this.state;
		}
		this.#halted = halted;
		const { snapshot, environment } = this.state;
		return this.#write(snapshot, environment);
	}

	async #deploy(): Promise<DeployedState> {
		const snapshot = await this.#options.registry.snapshot();
		const { environmentName } = this.#options;
		const file = snapshot.environments.find((candidate) => candidate.name === environmentName);
		if (file === undefined) {
			const names = snapshot.environments.map((candidate) => candidate.name).join(", ") || "none";
			throw new ServiceError(
				"UNKNOWN_ENVIRONMENT",
				`environments/${environmentName}.yaml is not in the repository (found: ${names}); commit it, or choose another with --environment`,
				{ environmentName },
			);
		}
		this.#refuseChangedIterations(snapshot);
		const resumed = this.#state === undefined ? [] : this.#resumed(snapshot);
		if (resumed.length > 0) throw new ServiceError("ITERATION_CHANGED", resumed.join("\n"), { problems: resumed });
		return this.#write(snapshot, file.environment, { lineOf: file.lineOf, previous: this.#inForce });
	}

	/**
	 * What an iteration was begun with stays, as its start decision recorded it (ADR 0006). Before that is recorded, and
	 * for what only the environment or a release can change, the compiler compares with the bundle in force.
	 */
	#refuseChangedIterations(snapshot: RepositorySnapshot): void {
		const changed = snapshot.experiments.flatMap((now) => {
			const { key, iteration, status } = now.experiment;
			const begun = this.#designs.get(iterationKey(key, iteration));
			const fields = begun === undefined || status !== "running" ? [] : changedFields(begun, now.experiment);
			const before = Object.fromEntries(fields.map((field) => [field, begun?.[field]]));
			return fields.length === 0 ? [] : [{ begun: { ...now.experiment, ...before }, now }];
		});
		const problems = designChanges(changed, snapshot.metrics).map(
			({ file, line, field, after, fix }) =>
				`${file}:${line}: ${field}: ${after === undefined ? "(removed)" : JSON.stringify(after)}; ${fix}`,
		);
		if (problems.length > 0) {
			throw new ServiceError("ITERATION_CHANGED", problems.join("\n"), { problems });
		}
	}

	/** What is wrong where git lets iterations run whose evidence is closed. */
	#resumed(snapshot: RepositorySnapshot): string[] {
		return snapshot.experiments.flatMap(({ file, experiment }) => {
			const { key, iteration, status } = experiment;
			const endedAt = this.#ends.get(iterationKey(key, iteration));
			return endedAt === undefined || status !== "running"
				? []
				: [
						`${file}: iteration ${iteration} ended at ${endedAt}, and its evidence is closed; set iteration: ${iteration + 1}, which starts with fresh evidence, or status: stopped`,
					];
		});
	}

	/** @param change given for a change by git; a halt and a restored file are written whatever was in force */
	async #write(
		snapshot: RepositorySnapshot,
		environment: Environment,
		change: { lineOf?: LineOf; previous?: RoutingFile | undefined } = {},
	): Promise<DeployedState> {
		const { routingDirectory, environmentName, logger } = this.#options;
		const halted = this.#halted;
		await this.highestRevision();
		const deployed = this.#deployed();
		const compile = (revision: number) =>
			compileBundle({
				environmentName,
				environment,
				environmentLineOf: change.lineOf,
				experiments: snapshot.experiments,
				prompts: snapshot.releases,
				revision,
				sourceCommit: snapshot.commit,
				halted,
				previous: change.previous,
			});
		if (
			deployed !== undefined &&
			deployed.table.revision >= this.#highestRevision &&
			sha256(compile(deployed.table.revision).json) === deployed.routingDigest
		) {
			this.#state = { revision: deployed.table.revision, snapshot, environment, writtenAt: this.#state?.writtenAt };
			this.#highestRevision = deployed.table.revision;
			this.#writtenDigest = deployed.routingDigest;
			this.#writtenHalts = halted;
			this.#inForce = deployed.file;
			await this.#sign(deployed.bytes, deployed.routingDigest);
			return this.#state;
		}
		const bundle = compile(this.#nextRevision());
		await writeBundle(routingDirectory, bundle, { privateKey: this.#options.privateKey });
		const writtenAt = new Date();
		const { revision } = bundle.file.metadata;
		logger.info({ revision, commit: snapshot.commit, routingDirectory }, "routing bundle written");
		this.#state = { revision, snapshot, environment, writtenAt };
		this.#highestRevision = revision;
		this.#writtenDigest = sha256(bundle.json);
		this.#writtenHalts = halted;
		this.#inForce = bundle.file;
		return this.#state;
	}

	/**
	 * Above every revision that is known. Where no bundle is left to tell, applications may still hold one that this
	 * service has forgotten with its data, and they refuse to go back: then it is taken from the clock.
	 */
	#nextRevision(): number {
		const onDisk = revisionOnDisk(this.#options.routingDirectory);
		const next = Math.max(onDisk ?? 0, this.#highestRevision, this.#rolledBackFrom()) + 1;
		return onDisk === undefined ? Math.max(next, secondsSince2026((this.#options.now ?? Date.now)())) : next;
	}

	/** Signs what was compiled but has no signature of this key: one that is new, or a file that somebody removed. */
	async #sign({ routing, signature }: RoutingBytes, digest: string): Promise<void> {
		const { privateKey, routingDirectory } = this.#options;
		if (privateKey === undefined) {
			return;
		}
		const lines = signature === undefined ? "" : new TextDecoder().decode(signature);
		if (!isSigned(routing, lines, [createPublicKey(privateKey)])) {
			await signBundle(routingDirectory, digest, privateKey);
		}
	}

	/** Readers that obey a rollback record take nothing up to this revision. */
	#rolledBackFrom(): number {
		const record = this.#routingBytes()?.rollback;
		if (record === undefined) {
			return 0;
		}
		try {
			return RollbackRecord.parse(JSON.parse(new TextDecoder().decode(record))).fromRevision;
		} catch {
			// Not a record: nobody obeys it.
			return 0;
		}
	}

	#routingBytes(): RoutingBytes | undefined {
		try {
			return readRoutingBytes(this.#options.routingDirectory);
		} catch (error) {
			// Gone or unreadable: it is written again.
			if (error instanceof RouterError) {
				return undefined;
			}
			throw error;
		}
	}

	#deployed(): LoadedBundle | undefined {
		try {
			return readBundle(this.#options.routingDirectory);
		} catch (error) {
			if (!(error instanceof RouterError)) {
				throw error;
			}
			// A bundle that cannot be used is replaced; applications keep their last good one meanwhile.
			if (error.code !== "BUNDLE_MISSING") {
				this.#options.logger.error({ err: error }, "the routing bundle on disk is broken and will be replaced");
			}
			return undefined;
		}
	}
}

function secondsSince2026(nowMs: number): number {
	return Math.floor((nowMs - Date.UTC(2026, 0, 1)) / 1000);
}

function sha256(text: string | Uint8Array): string {
	return createHash("sha256").update(text).digest("hex");
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
	return a.size === b.size && [...a].every((key) => b.has(key));
}
