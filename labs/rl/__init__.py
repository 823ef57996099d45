"""Lab 3: one agent, three ways to learn, that balances a pole and wins at Pong."""
