import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { IngestSender } from "./ingest-sender.ts";

export interface Stored {
	calls: string[];
	/** Calls that the comparison counts. */
	counted: number;
	peakMb: number;
}

/** The receiver of `ingest-receiver.ts` in a process of its own. */
export class ReceiverProcess {
	readonly process: ChildProcess;
	readonly #lines: AsyncIterator<string>;

	/** @param wrapper a program, with arguments, that starts the one it is given */
	constructor(folder: string, wrapper: readonly string[] = []) {
		const program = fileURLToPath(new URL("ingest-receiver.ts", import.meta.url));
		const [command, ...args] = [...wrapper, process.execPath, "--conditions=armspan-source", program, folder];
		this.process = spawn(command as string, args, { stdio: ["pipe", "pipe", "inherit"] });
		this.#lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
	}

	/** The address, once it listens. */
	async url(): Promise<string> {
		const line = await this.#lines.next();
		if (line.done) throw new Error("the receiver ended before it listened");
		return `http://127.0.0.1:${line.value.split(" ")[1]}/v1/traces`;
	}

	/** Sends a command and resolves to the answer. */
	async tell(command: string): Promise<string> {
		this.process.stdin?.write(`${command}\n`);
		return (await this.#lines.next()).value;
	}

	async end(): Promise<Stored> {
		const stored = JSON.parse(await this.tell("end")) as Stored;
		if (this.process.exitCode === null) await once(this.process, "exit");
		return stored;
	}

	async kill(): Promise<void> {
		if (this.process.exitCode === null && this.process.signalCode === null) {
			this.process.kill("SIGKILL");
			await once(this.process, "exit");
		}
	}
}

export interface Killed {
	sent: readonly string[];
	acknowledged: readonly string[];
	stored: Stored;
	failures: Readonly<Record<string, number>>;
}

/**
 * Kills the receiver `rounds` times at random moments, one in ten of them before it listens, while six connections
 * send, each body again until it is acknowledged; the last receiver ends in peace and says what is stored.
 */
export async function killWhileIngesting(
	folder: string,
	rounds: number,
	random: () => number,
	onRound: (round: number) => void = () => {},
): Promise<Killed> {
	const sender = new IngestSender(100);
	sender.start(6);
	for (let round = 1; round <= rounds; round++) {
		const receiver = new ReceiverProcess(folder);
		if (random() < 0.1) {
			await new Promise((resolve) => setTimeout(resolve, random() * 1500));
		} else {
			sender.url = await receiver.url();
			await new Promise((resolve) => setTimeout(resolve, random() * 1500));
		}
		await receiver.kill();
		sender.url = undefined;
		onRound(round);
	}
	const last = new ReceiverProcess(folder);
	sender.url = await last.url();
	await sender.stop();
	const { sent, acknowledged, failures } = sender;
	return { sent, acknowledged, failures, stored: await last.end() };
}
