drop table job_retries;
