"""The stage that turns OpenAI's compliance logs in customers' S3 buckets into governance events on Kafka."""
