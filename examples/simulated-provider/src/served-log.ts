import { closeSync, openSync, writeSync } from "node:fs";
import { PROMPT_KINDS, type PromptKind } from "./simulate-reply.ts";

/** One line of the log. Times are ISO 8601, UTC. */
export interface ServedResponse {
	readonly id: string;
	readonly status: number;
	readonly user: string;
	readonly turn: number;
	readonly promptKind: PromptKind;
	readonly stream: boolean;
	readonly inputTokens: number;
	readonly outputTokens: number;
	/** When the request had been read. */
	readonly startedAt: string;
	readonly finishedAt: string;
	/** `false` when the client went away before the last byte. */
	readonly completed: boolean;
}

export interface ServedCounts {
	served: number;
	errors: number;
	abandoned: number;
	/** Start of the last call. */
	lastStartedAt: string | null;
}

/** Counts every answer that was served, and writes it down if there is a file to write to. */
export class ServedLog {
	readonly #file: number | undefined;
	readonly #counts: Record<PromptKind, ServedCounts>;

	constructor(path: string | undefined) {
		// Synchronous on purpose: what was served before a crash is in the log.
		this.#file = path === undefined ? undefined : openSync(path, "a", 0o600);
		const none = (): ServedCounts => ({ served: 0, errors: 0, abandoned: 0, lastStartedAt: null });
		this.#counts = Object.fromEntries(PROMPT_KINDS.map((kind) => [kind, none()])) as Record<PromptKind, ServedCounts>;
	}

	add(response: ServedResponse): void {
		const counts = this.#counts[response.promptKind];
		counts.served++;
		if (response.status !== 200) counts.errors++;
		if (!response.completed) counts.abandoned++;
		if (counts.lastStartedAt === null || response.startedAt > counts.lastStartedAt) {
			counts.lastStartedAt = response.startedAt;
		}
		if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(response)}\n`);
	}

	counts(): { total: ServedCounts; byPromptKind: Readonly<Record<PromptKind, ServedCounts>> } {
		const total: ServedCounts = { served: 0, errors: 0, abandoned: 0, lastStartedAt: null };
		for (const kind of PROMPT_KINDS) {
			const counts = this.#counts[kind];
			total.served += counts.served;
			total.errors += counts.errors;
			total.abandoned += counts.abandoned;
			if ((counts.lastStartedAt ?? "") > (total.lastStartedAt ?? "")) total.lastStartedAt = counts.lastStartedAt;
		}
		return { total, byPromptKind: this.#counts };
	}

	close(): void {
		if (this.#file !== undefined) closeSync(this.#file);
	}
}
