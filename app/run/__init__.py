"""Runs in a process of their own, as the interface sees them.

- `session`: `Session`, the latest run, for the window
- `worker`: both ends of the process that computes: `Worker` asks and takes replies, `serve` computes and sends them
- `inbox`: requests as the process that computes reads them
- `task`: work on a thread
- `process`, `end_signals`: threads, and how a process ends
"""
