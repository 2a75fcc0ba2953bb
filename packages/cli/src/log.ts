import { type DestinationStream, destination, type Logger, pino } from "pino";

/**
 * A structured log, one JSON object per line.
 * @param to a stream, or the path of a file
 * @param level from ARMSPAN_LOG_LEVEL, if set
 */
export function createLog(to: DestinationStream | string, level: string): Logger {
	return pino(
		{ level: process.env.ARMSPAN_LOG_LEVEL ?? level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
		typeof to === "string" ? destination({ dest: to, sync: false }) : to,
	);
}
