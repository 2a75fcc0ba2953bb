"""A real ClickHouse server from chDB's library: HTTP and native TCP on loopback, until it is killed.

Usage: clickhouse-server.py LIBCHDB_SO DATA_FOLDER HTTP_PORT TCP_PORT [CONFIG_FILE]

The library must be called on the main thread of a small process: its own check of the stack refuses others.
"""

import ctypes
import sys

library, path, http_port, tcp_port = sys.argv[1:5]
config = [f"--config-file={file}" for file in sys.argv[5:6]]
statements = "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; " + "SELECT sleepEachRow(3) FROM numbers(1000000) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 10000000 FORMAT Null"
arguments = [
    "clickhouse",
    *config,
    f"--path={path}",
    "--listen_host=127.0.0.1",
    f"--http_port={http_port}",
    f"--tcp_port={tcp_port}",
    "--multiquery",
    "--query",
    statements,
]
chdb = ctypes.CDLL(library)
chdb.chdb_query_cmdline.restype = ctypes.c_void_p
argv = (ctypes.c_char_p * len(arguments))(*[argument.encode() for argument in arguments])
chdb.chdb_query_cmdline(len(arguments), argv)
