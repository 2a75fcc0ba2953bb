/** A record cannot be stored; the others of its request can. */
export class RecordRefused extends Error {
	readonly kind: "malformed" | "limit";

	constructor(kind: "malformed" | "limit", reason: string) {
		super(reason);
		this.name = "RecordRefused";
		this.kind = kind;
	}
}
