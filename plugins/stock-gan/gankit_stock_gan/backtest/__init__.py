"""The backtest: scores, tests of significance, rivals, trading, risk and verdicts; walk-forward throughout."""
