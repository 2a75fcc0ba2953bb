import type { CallIdentity } from "@armspan/store";
import type { Served } from "./served-log.ts";

/** Version that the starter repository's routing gives to a prompt that the provider recognises by its text. */
const VERSION_OF_KIND: Readonly<Record<string, string>> = { control: "1.0.0", friendly: "2.0.0" };

/** How the stored calls differ from what the provider served; every list is empty when they agree. */
export interface Differences {
	/** Answers that no stored call has. */
	missing: string[];
	/** Stored calls that no answer has. */
	invented: string[];
	/** Answers stored more than once. */
	doubled: string[];
	/** Calls tagged with another prompt version than the text that the provider received. */
	wrongVersion: string[];
	/** Failed answers per prompt version: served, stored. */
	failed: Record<string, [served: number, stored: number]>;
}

/** Call by call, by response id; failures carry no id, so they are compared by number. */
export function compareWithProvider(calls: readonly CallIdentity[], served: readonly Served[]): Differences {
	const answers = new Map(served.filter(({ status }) => status === 200).map((answer) => [answer.id, answer]));
	const stored = new Map<string, CallIdentity[]>();
	for (const call of calls.filter(({ responseId }) => responseId !== "")) {
		stored.set(call.responseId, [...(stored.get(call.responseId) ?? []), call]);
	}
	const failed: Differences["failed"] = {};
	for (const [kind, version] of Object.entries(VERSION_OF_KIND)) {
		failed[version] = [
			served.filter(({ status, promptKind }) => status !== 200 && promptKind === kind).length,
			calls.filter(
				({ isError, promptVersion, responseId }) => isError && responseId === "" && promptVersion === version,
			).length,
		];
	}
	return {
		missing: [...answers.keys()].filter((id) => !stored.has(id)),
		invented: [...stored.keys()].filter((id) => !answers.has(id)),
		doubled: [...stored].filter(([, rows]) => rows.length > 1).map(([id]) => id),
		wrongVersion: [...answers]
			.filter(([id, { promptKind }]) =>
				stored.get(id)?.some((call) => call.promptVersion !== VERSION_OF_KIND[promptKind]),
			)
			.map(([id]) => id),
		failed,
	};
}
