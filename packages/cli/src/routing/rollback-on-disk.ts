import { readRoutingBytes } from "@armspan/router";
import { RollbackRecord } from "@armspan/schema";

/** The record of a person's going back that lies beside a bundle; `undefined` where there is none that is one. */
export function rollbackOnDisk(directory: string): RollbackRecord | undefined {
	const bytes = readRoutingBytes(directory).rollback;
	if (bytes === undefined) return undefined;
	try {
		return RollbackRecord.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
	} catch {
		// No record: it is replaced.
		return undefined;
	}
}
