/** Ends a command that has done its work with an exit code that says what it found. */
export class ExitStatus extends Error {
	override readonly name = "ExitStatus";
	readonly status: number;

	constructor(status: number) {
		super(`exit status ${status}`);
		this.status = status;
	}
}
