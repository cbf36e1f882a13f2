"""The one door to S3 and STS, and the only importer of boto3, botocore and obstore.

`object_store` is the door as the stages see it, and `s3_object_store` what stands behind it.
"""
