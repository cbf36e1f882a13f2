"""OpenAI's compliance logs in customers' S3 buckets become governance events on Kafka."""
