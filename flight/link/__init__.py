"""The link below the services: topics, transports, and the outbox that stores and forwards."""
