"""What one does with a trained run: forecast, simulate, backtest."""
