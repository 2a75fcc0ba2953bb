/** One thing that was looked at. */
export interface Check {
	readonly name: string;
	readonly status: "ok" | "warn" | "fail";
	readonly message: string;
	/** What to do; with every `warn` and `fail`. */
	readonly fix?: string;
}

export function ok(name: string, message: string): Check {
	return { name, status: "ok", message };
}

export function warn(name: string, message: string, fix: string): Check {
	return { name, status: "warn", message, fix };
}

export function fail(name: string, message: string, fix: string): Check {
	return { name, status: "fail", message, fix };
}
