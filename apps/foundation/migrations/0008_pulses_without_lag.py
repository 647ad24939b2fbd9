from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("foundation", "0007_living_lease_has_a_house")]

    operations = [migrations.RemoveField(model_name="processbeat", name="lag_seconds")]
