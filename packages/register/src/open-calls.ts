import { diag } from "@opentelemetry/api";

/** A call whose end may never be seen. */
export interface OpenCall {
	/** Ends the span: how the call ended, nobody will know. */
	abandon(): void;
}

/** Of more than that many at once, the oldest are not looked after when the process leaves. */
const MAX_OPEN = 4096;

const open = new Set<OpenCall>();
const lost = new FinalizationRegistry<OpenCall>(abandon);

/** Called where an error would be the host's: as its exit code, or from nowhere. */
function abandon(call: OpenCall): void {
	try {
		call.abandon();
	} catch (error) {
		diag.error("[armspan] span of an open call:", String(error));
	}
}

export const openCalls = {
	add(call: OpenCall): void {
		const [oldest] = open.size < MAX_OPEN ? [] : open;
		if (oldest !== undefined) open.delete(oldest);
		open.add(call);
	},

	delete(call: OpenCall): void {
		open.delete(call);
	},

	/** The process leaves: no call will come to an end any more. */
	abandonAll(): void {
		for (const call of open) abandon(call);
	},

	/**
	 * Abandons the call once its stream can be read by nobody, whenever the garbage collector finds out.
	 * @param reader must not be held by the call
	 */
	abandonWithout(reader: object, call: OpenCall): void {
		lost.register(reader, call, reader);
	},

	/** Another will be watched in its place. */
	forgetReader(reader: object): void {
		lost.unregister(reader);
	},
};
