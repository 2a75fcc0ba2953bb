const LOOK_EVERY_MS = 500;
const QUIET_LOOKS = 4;

/** What one LLM request keeps open: its connection, or the way to it, and the SDK's own time limit. */
const CONNECTIONS: ReadonlySet<string> = new Set([
	"TCPSocketWrap",
	"TLSWrap",
	"TCPConnectWrap",
	"ConnectWrap",
	"GetAddrInfoReqWrap",
]);
const TIMERS: ReadonlySet<string> = new Set(["Timeout", "Immediate"]);

/**
 * Sees when nothing but shadows keeps the process alive. A shadow's connection is the SDK's and cannot be unreferenced
 * from here, so what is open is counted: no more than one connection and one timer for each shadow, at several looks
 * and without a new call in between. To be wrong costs a shadow, never a live call.
 */
export class ExitWatch {
	readonly #running: () => number;
	readonly #onIdle: () => void;
	#timer: NodeJS.Timeout | undefined;
	#quietLooks = 0;

	constructor(running: () => number, onIdle: () => void) {
		this.#running = running;
		this.#onIdle = onIdle;
	}

	/** The application is at work. */
	callMade(): void {
		this.#quietLooks = 0;
	}

	/** Looks while shadows run. */
	start(): void {
		if (this.#timer !== undefined) return;
		this.#quietLooks = 0;
		this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
		this.#timer.unref();
	}

	#look(): void {
		const running = this.#running();
		if (running === 0) {
			clearInterval(this.#timer);
			this.#timer = undefined;
			return;
		}
		this.#quietLooks = onlyShadows(running, process.getActiveResourcesInfo()) ? this.#quietLooks + 1 : 0;
		if (this.#quietLooks >= QUIET_LOOKS) this.#onIdle();
	}
}

/** Whether what keeps the process alive can be that many shadows and nothing else. */
export function onlyShadows(running: number, resources: readonly string[]): boolean {
	let connections = 0;
	let timers = 0;
	for (const resource of resources) {
		if (CONNECTIONS.has(resource)) connections++;
		else if (TIMERS.has(resource)) timers++;
		else return false;
	}
	return connections <= running && timers <= running;
}
