/** A record cannot be stored; the others of its request can. */
export class RecordRefused extends Error {
	constructor(reason: string) {
		super(reason);
		this.name = "RecordRefused";
	}
}
