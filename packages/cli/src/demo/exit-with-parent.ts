/**
 * Preloaded into the demo's children: ends the process when its parent is gone, even by SIGKILL.
 * The parent holds one end of an IPC channel; when it dies, the channel closes.
 */
process.on("disconnect", () => {
	process.kill(process.pid, "SIGTERM");
	// A child that is busy flushing to a service that died with the parent should not linger.
	setTimeout(() => process.kill(process.pid, "SIGKILL"), 3000).unref();
});
process.channel?.unref();
