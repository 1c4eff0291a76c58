"""Where rows land, are built and are published. Implements ports.warehouse; knows neither vendors nor the ops store."""
