"""Reports of finished runs: findings, one-line summary, files and figures.

- `report`: `write_report`, and the layout of report.json (`build_report`)
- `findings`: all that is said of one sampler, with its entry in report.json; `kl_entry`: the KL in it
- `summary`, `words`: the one-line summary, and numbers in words
- `figure`: evidence.png; matplotlib is loaded when it is drawn
- `heading`: a panel's heading with KL and bound
"""
