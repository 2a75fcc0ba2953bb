const LOOK_EVERY_MS = 500;
/** 2 s when every open timer can be a shadow's; 10 s when some are not, such as an exporter's that retries. */
const QUIET_LOOKS = 4;
const QUIET_LOOKS_WITH_TIMERS = 20;

/** What one LLM request keeps open: its connection, or the way to it, and the SDK's own time limit. */
const CONNECTIONS: ReadonlySet<string> = new Set([
	"TCPSocketWrap",
	"TLSWrap",
	"TCPConnectWrap",
	"ConnectWrap",
	"GetAddrInfoReqWrap",
]);
/** The standard streams are listed once somebody touched them, whether they keep the process alive or not. */
const STANDARD_STREAMS: ReadonlySet<string> = new Set(["PipeWrap", "TTYWrap"]);
const TIMERS: ReadonlySet<string> = new Set(["Timeout", "Immediate"]);

/**
 * Sees when nothing but shadows keeps the process alive. A shadow's connection is the SDK's and cannot be unreferenced
 * from here, so what is open is counted: timers, and no more than one connection for each shadow, at several looks and
 * without a new call in between. To be wrong costs a shadow, never a live call.
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
		const looks = quietLooksNeeded(running, process.getActiveResourcesInfo(), standardInputIsRead);
		this.#quietLooks = looks === undefined ? 0 : this.#quietLooks + 1;
		if (looks !== undefined && this.#quietLooks >= looks) this.#onIdle();
	}
}

/**
 * How many looks in a row must find it so before what keeps the process alive is taken for that many shadows and nothing
 * else; `undefined` when it is something else.
 */
export function quietLooksNeeded(
	running: number,
	resources: readonly string[],
	inputIsRead: () => boolean,
): number | undefined {
	let streams = 0;
	let connections = 0;
	let timers = 0;
	for (const resource of resources) {
		if (CONNECTIONS.has(resource)) connections++;
		else if (TIMERS.has(resource)) timers++;
		else if (STANDARD_STREAMS.has(resource)) streams++;
		else return undefined;
	}
	if (connections > running || streams > 3 || (streams > 0 && inputIsRead())) return undefined;
	return timers <= running ? QUIET_LOOKS : QUIET_LOOKS_WITH_TIMERS;
}

/** An application that waits for somebody to type has something to do. */
function standardInputIsRead(): boolean {
	let stdin: NodeJS.ReadStream;
	try {
		stdin = process.stdin;
	} catch {
		// A standard input of an unknown kind: better to leave the shadows alone.
		return true;
	}
	return !stdin.readableEnded && (stdin.readableFlowing === true || stdin.listenerCount("readable") > 0);
}
